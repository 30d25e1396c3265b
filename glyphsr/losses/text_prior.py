"""Text prior loss: the prior read from LR should look like the one read from HR."""

from torch import Tensor

from glyphsr.losses.shapes import require_one_shape

EPSILON = 1e-20


def text_prior_loss(student: Tensor, teacher: Tensor) -> Tensor:
    """Mean absolute difference plus mean pointwise Kullback-Leibler term.

    Source: ``SemanticLoss`` of TPGSR (``mjq11302010044/TPGSR: loss/semantic_loss.py``), whose mean runs over all
    elements, not over samples; the lineage weighs it by 100.

    Args:
        student: Class probabilities ``(B, K, 1, T)`` on LR.
        teacher: Class probabilities on HR, same shape, detached.

    Returns:
        Scalar.

    Raises:
        ValueError: If the shapes differ.
    """
    require_one_shape(student, teacher)
    absolute = (student - teacher).abs().mean()
    log_ratio = (teacher + EPSILON).log() - (student + EPSILON).log()
    return absolute + (teacher * log_ratio).mean()
