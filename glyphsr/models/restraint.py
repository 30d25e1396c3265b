"""Holds a network's change back where its text prior is unsure of the word."""

import torch
import torch.nn.functional as F
from torch import Tensor

from glyphsr.config.model import RestraintConfig
from glyphsr.text.ctc import BLANK

MARGIN = 0.125
"""How far on each side of its ink a word reaches, in line heights; what is parted by more than twice that are words of
their own."""

LEAST = torch.finfo(torch.float32).tiny
"""Certainty of a word that is as unsure as can be; 0 is no word at all."""


def certainty(symbols: Tensor, columns: Tensor, *, reach: int) -> Tensor:
    """How likely CTC's best path through the word at each step is.

    Words are runs of steps on some character's ink, with a few steps on both sides; so a letter cut at the border of a
    window, or a word that cannot be read, has no say in its neighbours.

    Args:
        symbols: ``(B, S, T)`` class probabilities of CTC.
        columns: ``(B, S, T)`` probabilities of whose ink each step is on.
        reach: Steps on each side of ink that belong to it.

    Returns:
        ``(B, T)`` in [0, 1]; 0 where there is no word.

    Example:
        >>> sure = torch.tensor([[[0.9, 0.5, 1.0, 0.8], [0.1, 0.5, 0.0, 0.2]]])
        >>> ink = torch.tensor([[[0.0, 0.0, 1.0, 0.0], [1.0, 1.0, 0.0, 1.0]]])
        >>> certainty(sure, ink, reach=0)
        tensor([[0.4500, 0.4500, 0.0000, 0.8000]])
    """
    ink = (columns.argmax(dim=1) != BLANK).float()  # (B, T)
    word = F.max_pool1d(ink[:, None], 2 * reach + 1, stride=1, padding=reach)[:, 0] > 0
    starts = word & ~F.pad(word, (1, 0))[:, :-1]
    number = starts.cumsum(dim=1)
    costs = -symbols.float().amax(dim=1).clamp_min(1e-6).log() * word
    total = torch.zeros(len(costs), costs.shape[1] + 1, device=costs.device).scatter_add_(1, number, costs)
    return (-total.gather(1, number)).exp().clamp_min(LEAST) * word


def gate(symbols: Tensor, columns: Tensor, config: RestraintConfig, size: tuple[int, int]) -> Tensor:
    """Share of the change that is applied in each column.

    Args:
        symbols: ``(B, S, T)`` class probabilities of CTC.
        columns: ``(B, S, T)`` probabilities of whose ink each step is on.
        config: How certainty becomes a share.
        size: ``(H, W)`` of the super-resolved picture, whose width the steps share evenly.

    Returns:
        ``(B, 1, 1, W)`` in [``floor``, 1].
    """
    sure = certainty(symbols, columns, reach=reach_of(symbols.shape[2], size))
    share = ((sure - config.low) / (config.high - config.low)).clamp(0, 1)
    share = config.floor + (1 - config.floor) * share
    return F.interpolate(share[:, None], size=size[1], mode="linear", align_corners=False)[:, :, None]


def reach_of(steps: int, size: tuple[int, int]) -> int:
    """:data:`MARGIN` in steps, at least one, for a picture of ``(height, width)``."""
    return max(1, round(MARGIN * steps * size[0] / size[1]))
