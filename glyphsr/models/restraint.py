"""Holds a network's change back where its text prior is unsure of the word, or reads another one in what was drawn."""

import itertools
from collections.abc import Sequence

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
    word = _words(columns, reach)
    within = word > 0
    costs = -symbols.float().amax(dim=1).clamp_min(1e-6).log() * within
    total = torch.zeros(len(costs), costs.shape[1] + 1, device=costs.device).scatter_add_(1, word, costs)
    return (-total.gather(1, word)).exp().clamp_min(LEAST) * within


def agreement(
    symbols: Tensor, again: Tensor, columns: Tensor, *, reach: int, alike: Sequence[int] | None = None
) -> Tensor:
    """Whether CTC's best path spells the word at each step alike in two readings.

    Args:
        symbols: ``(B, S, T)`` class probabilities of the first reading.
        again: ``(B, S, T')`` of the second one, whose steps share the same width.
        columns: ``(B, S, T)`` probabilities of whose ink each step is on; they tell where the words are.
        reach: Steps on each side of ink that belong to it.
        alike: For each class S the one that it counts as, such as a letter's other case; ``None`` for itself.

    Returns:
        ``(B, T)`` bool; false where there is no word.

    Example:
        >>> a, b = torch.eye(3)[[1, 1, 0, 2]].T[None], torch.eye(3)[[0, 1, 0, 1]].T[None]
        >>> agreement(a, b, a, reach=0)
        tensor([[ True,  True, False, False]])
    """
    word = _words(columns, reach)  # (B, T)
    steps = word.shape[1]
    places = torch.arange(again.shape[2], device=word.device) * steps // again.shape[2]
    first = _spellings(word, symbols.argmax(dim=1), alike)
    second = _spellings(word[:, places], again.argmax(dim=1), alike)
    same = torch.zeros(len(word), steps + 1, dtype=torch.bool)
    for row, (one, other) in enumerate(zip(first, second, strict=True)):
        for number, spelling in one.items():
            same[row, number] = number > 0 and other.get(number) == spelling
    return same.to(word.device).gather(1, word)


def _words(columns: Tensor, reach: int) -> Tensor:
    """``(B, T)`` int64: the number of the word at each step, from 1; 0 between words."""
    ink = (columns.argmax(dim=1) != BLANK).float()
    word = F.max_pool1d(ink[:, None], 2 * reach + 1, stride=1, padding=reach)[:, 0] > 0
    starts = word & ~F.pad(word, (1, 0))[:, :-1]
    return starts.cumsum(dim=1) * word


def _spellings(word: Tensor, paths: Tensor, alike: Sequence[int] | None) -> list[dict[int, list[int]]]:
    """The symbols of each word of each row: repeated ones count once, blanks part them."""
    rows = []
    for steps in torch.stack([word, paths], dim=2).tolist():
        row = {}
        for number, run in itertools.groupby(steps, key=lambda step: step[0]):
            spelled = [symbol for symbol, _ in itertools.groupby(step[1] for step in run) if symbol != BLANK]
            row[number] = spelled if alike is None else [alike[symbol] for symbol in spelled]
        rows.append(row)
    return rows


def gate(
    symbols: Tensor,
    columns: Tensor,
    config: RestraintConfig,
    size: tuple[int, int],
    again: Tensor | None = None,
    *,
    alike: Sequence[int] | None = None,
) -> Tensor:
    """Share of the change that is applied in each column.

    Args:
        symbols: ``(B, S, T)`` class probabilities of CTC.
        columns: ``(B, S, T)`` probabilities of whose ink each step is on.
        config: How certainty becomes a share.
        size: ``(H, W)`` of the super-resolved picture, whose width the steps share evenly.
        again: ``(B, S, T')`` class probabilities of CTC on the super-resolved picture; a word that they spell otherwise
            counts as one that nothing is known of.
        alike: As in :func:`agreement`.

    Returns:
        ``(B, 1, 1, W)`` in [``floor``, 1].
    """
    reach = reach_of(symbols.shape[2], size)
    sure = certainty(symbols, columns, reach=reach)
    if again is not None:
        sure = sure * agreement(symbols, again, columns, reach=reach, alike=alike)
    share = ((sure - config.low) / (config.high - config.low)).clamp(0, 1)
    share = config.floor + (1 - config.floor) * share
    return F.interpolate(share[:, None], size=size[1], mode="linear", align_corners=False)[:, :, None]


def reach_of(steps: int, size: tuple[int, int]) -> int:
    """:data:`MARGIN` in steps, at least one, for a picture of ``(height, width)``."""
    return max(1, round(MARGIN * steps * size[0] / size[1]))
