"""The text prior of a word whose text is known: the recognizer only says where each character lies."""

from collections.abc import Sequence

import torch
from torch import Tensor

from glyphsr.models.recognizers.ctc_alignment import align
from glyphsr.text.ctc import BLANK


def told(probabilities: Tensor, text: Sequence[int]) -> Tensor | None:
    """Probabilities along the line, given which characters come in which order.

    Args:
        probabilities: ``(S, T)`` of one word, class 0 is blank.
        text: Classes of its characters, at least one.

    Returns:
        ``(S, T)``, columns summing to 1; ``None`` where the text does not fit into T steps.

    Example:
        >>> seen = torch.tensor([[0.1, 0.8, 0.1], [0.6, 0.1, 0.1], [0.3, 0.1, 0.8]])
        >>> told(seen, [1, 2]).argmax(dim=0).tolist()
        [1, 0, 2]
        >>> told(seen, [2, 1]).argmax(dim=0).tolist()
        [2, 0, 1]
    """
    scores = probabilities.float().clamp_min(1e-6).log().T[:, None]  # (T, 1, S)
    placed, fits = align(scores, [list(text)])
    if not fits[0]:
        return None
    found = torch.zeros_like(probabilities, dtype=torch.float32)
    found.index_add_(0, torch.tensor(list(text), device=probabilities.device), placed[0, : len(text)].float())
    found[BLANK] = (1.0 - found.sum(dim=0)).clamp_min(0.0)
    return found.to(probabilities.dtype)
