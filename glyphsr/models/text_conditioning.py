"""Text priors conditioned on texts: the recognizer only says where each character of a text lies."""

from collections.abc import Sequence

import torch
from torch import Tensor

from glyphsr.recognizers.ctc_alignment import align
from glyphsr.text.ctc import BLANK

MIN_PROBABILITY = 1e-6
"""Least probability of a class at a step, so that a text that the recognizer does not see can be placed, too."""


def condition_on_texts(probabilities: Tensor, texts: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    """Probabilities along the lines, given which characters come in which order.

    Args:
        probabilities: ``(B, S, T)``; class 0 is blank.
        texts: Classes of the characters of each line.

    Returns:
        ``(B, S, T)`` whose columns sum to 1; and ``(B,)`` bool, false for texts without characters and for those that
        do not fit into T steps, whose rows come back as they were.

    Example:
        >>> seen = torch.tensor([[[0.1, 0.8, 0.1], [0.6, 0.1, 0.1], [0.3, 0.1, 0.8]]])
        >>> condition_on_texts(seen, [[1, 2]])[0].argmax(dim=1).tolist()
        [[1, 0, 2]]
        >>> condition_on_texts(seen, [[2, 1]])[0].argmax(dim=1).tolist()
        [[2, 0, 1]]
    """
    # Forced alignment: how much of each character lies in each step, blanks between.
    scores = probabilities.float().clamp_min(MIN_PROBABILITY).log()
    placed, fits = align(scores.permute(2, 0, 1), texts)  # (B, L, T)
    fits &= torch.tensor([bool(len(text)) for text in texts], device=fits.device)

    length = placed.shape[1]
    classes = torch.tensor([[*text, *[BLANK] * (length - len(text))] for text in texts], device=placed.device)
    # Each step has its characters' classes; what is left of it is blank.
    found = torch.zeros_like(scores)
    if length:
        found.scatter_add_(1, classes[:, :, None].expand_as(placed), placed.float())
    found[:, BLANK] = (1.0 - found[:, BLANK + 1 :].sum(dim=1)).clamp_min(0.0)

    # Texts with more characters than steps stay as they were read.
    return torch.where(fits[:, None, None], found.to(probabilities.dtype), probabilities), fits
