"""Holds a network's change back where its text prior is unsure of the word, or reads another one in what was drawn."""

import itertools
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from glyphsr.config.model import RestraintConfig
from glyphsr.text.ctc import BLANK

WORD_MARGIN = 0.125
"""How far on each side of its ink a word reaches, in line heights; what is parted by more than twice that are words of
their own."""

MIN_CONFIDENCE = torch.finfo(torch.float32).tiny
"""Certainty of a word that is as unsure as can be; 0 is no word at all."""


def word_confidence(
    symbols: Tensor, columns: Tensor, *, dilation: int, case_map: Sequence[int] | None = None
) -> Tensor:
    """How likely the word at each step says what CTC's best path spells of it, over all paths that spell the same.

    Words are runs of steps on some character's ink, with a few steps on both sides; so a letter cut at the border of a
    window, or a word that cannot be read, has no say in its neighbours. The best path alone would be the less likely
    the more steps lie between two symbols, though nobody doubts the text. Classes that count as one are added up before
    the best path is taken, so that one letter whose case changes on the way is one.

    Source: Graves et al. 2006, equation 3.

    Args:
        symbols: ``(B, S, T)`` class probabilities of CTC.
        columns: ``(B, S, T)`` probabilities of whose ink each step is on.
        dilation: Steps on each side of ink that belong to it.
        case_map: For each class S the one that it counts as, such as a letter's other case; ``None`` for itself.

    Returns:
        ``(B, T)`` in [0, 1]; 0 where there is no word.

    Example:
        >>> between = torch.tensor([[[0.0, 0.5, 1.0, 0.4], [1.0, 0.5, 0.0, 0.6]]])
        >>> ink = torch.tensor([[[0.0, 0.0, 1.0, 0.0], [1.0, 1.0, 0.0, 1.0]]])
        >>> word_confidence(between, ink, dilation=0)
        tensor([[1.0000, 1.0000, 0.0000, 0.6000]])
    """
    # On the CPU, for not every device has CTC, and spellings are there anyway.
    symbols, word = symbols.float().cpu(), _words(columns, dilation).cpu()
    if case_map is not None:
        symbols = torch.zeros_like(symbols).index_add_(1, torch.tensor(case_map), symbols)
    spellings = _spellings(word, symbols.argmax(dim=1), None)
    found = [(row, number) for row, numbers in enumerate(spellings) for number in numbers if number > 0]
    likely = torch.zeros(len(word), word.shape[1] + 1)
    if found:
        rows, numbers = (torch.tensor(part) for part in zip(*found, strict=True))
        within = word[rows] == numbers[:, None]  # (N, T)
        lengths = within.sum(dim=1)
        # The steps of each word come first, in their order; those behind them are not looked at.
        order = (~within).int().sort(dim=1, stable=True).indices[:, : int(lengths.max())]
        costs = symbols.clamp_min(1e-6).log()[rows].gather(2, order[:, None].expand(-1, symbols.shape[1], -1))
        texts = [spellings[row][number] for row, number in found]
        cost = F.ctc_loss(
            costs.permute(2, 0, 1),
            torch.tensor([symbol for text in texts for symbol in text], dtype=torch.long),
            lengths,
            torch.tensor([len(text) for text in texts]),
            blank=BLANK,
            reduction="none",
        )
        likely[rows, numbers] = (-cost).exp().clamp(MIN_CONFIDENCE, 1.0)
    return likely.gather(1, word).to(columns.device)


def same_spelling(
    symbols: Tensor, again: Tensor, columns: Tensor, *, dilation: int, case_map: Sequence[int] | None = None
) -> Tensor:
    """Whether CTC's best path spells the word at each step alike in two readings.

    Args:
        symbols: ``(B, S, T)`` class probabilities of the first reading.
        again: ``(B, S, T')`` of the second one, whose steps share the same width.
        columns: ``(B, S, T)`` probabilities of whose ink each step is on; they tell where the words are.
        dilation: Steps on each side of ink that belong to it.
        case_map: For each class S the one that it counts as, such as a letter's other case; ``None`` for itself.

    Returns:
        ``(B, T)`` bool; false where there is no word.

    Example:
        >>> a, b = torch.eye(3)[[1, 1, 0, 2]].T[None], torch.eye(3)[[0, 1, 0, 1]].T[None]
        >>> same_spelling(a, b, a, dilation=0)
        tensor([[ True,  True, False, False]])
    """
    word = _words(columns, dilation)  # (B, T)
    steps = word.shape[1]
    places = torch.arange(again.shape[2], device=word.device) * steps // again.shape[2]
    first = _spellings(word, symbols.argmax(dim=1), case_map)
    second = _spellings(word[:, places], again.argmax(dim=1), case_map)
    same = torch.zeros(len(word), steps + 1, dtype=torch.bool)
    for row, (one, other) in enumerate(zip(first, second, strict=True)):
        for number, spelling in one.items():
            same[row, number] = number > 0 and other.get(number) == spelling
    return same.to(word.device).gather(1, word)


def _words(columns: Tensor, dilation: int) -> Tensor:
    """``(B, T)`` int64: the number of the word at each step, from 1; 0 between words."""
    ink = (columns.argmax(dim=1) != BLANK).float()
    word = F.max_pool1d(ink[:, None], 2 * dilation + 1, stride=1, padding=dilation)[:, 0] > 0
    starts = word & ~F.pad(word, (1, 0))[:, :-1]
    return starts.cumsum(dim=1) * word


def _spellings(word: Tensor, paths: Tensor, case_map: Sequence[int] | None) -> list[dict[int, list[int]]]:
    """The symbols of each word of each row: repeated ones count once, blanks part them."""
    rows = []
    for steps in torch.stack([word, paths], dim=2).tolist():
        row = {}
        for number, run in itertools.groupby(steps, key=lambda step: step[0]):
            spelled = [symbol for symbol, _ in itertools.groupby(step[1] for step in run) if symbol != BLANK]
            row[number] = spelled if case_map is None else [case_map[symbol] for symbol in spelled]
        rows.append(row)
    return rows


def gate(sure: Tensor, config: RestraintConfig, width: int) -> Tensor:
    """Share of the change that is applied in each column.

    Args:
        sure: ``(B, T)`` certainty of the word at each step, 0 where nothing is known of it.
        config: How certainty becomes a share.
        width: Of the super-resolved picture, which the steps share evenly.

    Returns:
        ``(B, 1, 1, W)`` in [``floor``, 1].
    """
    share = ((sure - config.low) / (config.high - config.low)).clamp(0, 1)
    share = config.floor + (1 - config.floor) * share
    return F.interpolate(share[:, None], size=width, mode="linear", align_corners=False)[:, :, None]


def dilation_of(steps: int, size: tuple[int, int]) -> int:
    """:data:`WORD_MARGIN` in steps, at least one, for a picture of ``(height, width)``."""
    return max(1, round(WORD_MARGIN * steps * size[0] / size[1]))
