"""Splits a word of known text into one stretch of columns per character, by dynamic programming over its ink."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from glyphsr.glyphs.deslant import row_shifts, straightened
from glyphsr.glyphs.widths import relative_widths

# Chosen on every second word of IIIT5K's training part, checked on the others (docs/decisions/0010).
WIDTH_WEIGHT = 8.0
"""Times the squared logarithm of a stretch's width over the expected one."""

CUT_WEIGHT = 4.0
"""Times the ink that a cut goes through, over the ink of a well filled column."""

EMPTY_COST = 10.0
GAP_WEIGHT = 2.0
"""Times the fraction of a stretch's columns that are blank: most characters are in one piece."""

SKIP_BASE, SKIP_PER_CHARACTER = 0.05, 1.0
"""Cost of ink that belongs to no character, such as punctuation that the label leaves out: fixed, and for as much ink
as a character has."""

SKIP_AT_BORDER = 0.2
"""Factor for ink that touches the picture's border, which is often a neighbour's."""

SLANTS = (0.15, 0.3, 0.45, -0.15)
"""Columns per row that are tried; few people lean to the left."""

SLANT_MARGIN = 0.1
"""How much cheaper, per character, the split of slanted writing must be to be preferred."""

BEARING = 0.06
"""Blank part of a character's advance width, in mean widths of a lower-case letter."""

SCALES = np.array([0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.25])
"""Widths of characters that are tried, over those that would fill the extent of the ink."""


@dataclass(frozen=True, eq=False)
class Split:
    """One stretch of columns per character."""

    cells: NDArray[np.int64]
    """``(L, 2)``: first column and the one after the last, left to right, without overlap; of slanted writing in the
    middle row, where they may reach beyond the picture."""
    costs: NDArray[np.float64]
    """``(L,)``: what each character contributes: unlikely width, cut ink, no ink."""
    cost: float
    """All of them and what was skipped, per character; above about 1 the split is unreliable."""
    slant: float = 0.0
    """Columns per row by which strokes lean to the right upwards."""

    def middle_x(self, points: NDArray[np.float64], height: int) -> NDArray[np.float64]:
        """Where points lie along the line, leaning writing straightened: x in the middle row.

        Args:
            points: ``(L, 2)``: ``(x, y)``.
            height: Rows of the ink that was split.
        """
        return np.asarray(points[:, 0] + self.slant * (points[:, 1] - (height - 1) / 2))

    def owners(self, shape: tuple[int, int]) -> NDArray[np.int64]:
        """Whose stretch each pixel lies in.

        Args:
            shape: ``(H, W)`` of the ink that was split.

        Returns:
            ``(H, W)``: index of the character, -1 where the split leaves pixels out.
        """
        # Rows are moved by the slant; the margin keeps moved columns inside the table.
        height, width = shape
        shifts = row_shifts(height, self.slant)
        margin = int(np.abs(shifts).max())
        by_column = np.full(width + 2 * margin, -1)
        for i, (start, end) in enumerate(self.cells):
            by_column[start + margin : end + margin] = i
        return np.asarray(by_column[np.arange(width) + margin + shifts[:, None]])


@dataclass(frozen=True, eq=False)
class _Columns:
    """The columns at which a character may start or end, and what is known of them."""

    places: NDArray[np.int64]
    cut: NDArray[np.float64]
    """``(n,)`` cost of cutting there."""
    ink_before: NDArray[np.int64]
    """``(n,)`` ink pixels to the left."""
    blank_before: NDArray[np.int64]
    """``(n,)`` columns without ink to the left."""
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    """Where runs of columns with ink begin and end, as indices into ``places``."""
    chain: NDArray[np.int64]
    """``(2 runs,)``: start, end, start, end ..."""
    prices: NDArray[np.float64]
    """``(2 runs,)`` cost of all runs that lie before and are left out."""
    extent: int
    """Columns from the first to the last ink."""


def runs(values: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where stretches of ``True`` begin, and where they have ended.

    Example:
        >>> [part.tolist() for part in runs(np.array([True, True, False, True]))]
        [[0, 3], [2, 4]]
    """
    change = np.diff(np.concatenate([[0], values.astype(np.int8), [0]]))
    return np.flatnonzero(change == 1), np.flatnonzero(change == -1)


def _columns(mask: NDArray[np.bool_], advance: float) -> _Columns:
    height, width = mask.shape
    column_ink = mask.sum(axis=0)
    # Ink that a cut before each column would go through; cuts are allowed where that is least.
    crossing = np.zeros(width + 1)
    crossing[1:width] = (mask[:, :-1] & mask[:, 1:]).sum(axis=0)
    starts, ends = runs(column_ink > 0)
    padded = np.concatenate([[np.inf], crossing, [np.inf]])
    inside = crossing > 0
    allowed = inside & (crossing <= padded[:-2]) & (crossing <= padded[2:])
    # Even where strokes run on; counted from the first ink, so that shifted ink has shifted places.
    step = max(2, height // 12)
    allowed[starts[0] :: step] |= inside[starts[0] :: step]
    allowed[starts] = allowed[ends] = True

    places = np.flatnonzero(allowed)
    full = max(1.0, float(np.percentile(column_ink[column_ink > 0], 80)))

    # Each run may be skipped: for a base price and by its ink, cheaply at the border.
    ink_before = np.concatenate([[0], np.cumsum(column_ink)])
    per_character = column_ink.sum() / advance
    skip = []
    for start, end in zip(starts, ends, strict=True):
        at_border = start == 0 or end == width or mask[0, start:end].any() or mask[-1, start:end].any()
        cost = SKIP_BASE + SKIP_PER_CHARACTER * min(1.0, (ink_before[end] - ink_before[start]) / per_character)
        skip.append(cost * (SKIP_AT_BORDER if at_border else 1.0))

    return _Columns(
        places=places,
        cut=CUT_WEIGHT * crossing[places] / full,
        ink_before=ink_before[places],
        blank_before=np.concatenate([[0], np.cumsum(column_ink == 0)])[places],
        starts=np.searchsorted(places, starts),
        ends=np.searchsorted(places, ends),
        chain=np.searchsorted(places, np.column_stack([starts, ends]).ravel()),
        prices=np.cumsum(np.column_stack([np.zeros(len(skip)), skip]).ravel()),
        extent=int(ends[-1] - starts[0]),
    )


def _move_on(cost: NDArray[np.float64], columns: _Columns) -> NDArray[np.int64]:
    """Let paths cross blank columns for nothing and skip whole runs for their price.

    Args:
        cost: ``(scales, n)`` cost of the best path to each place; lowered in place.
        columns: The places.

    Returns:
        ``(scales, n)``: where each path was before it moved on.
    """
    # Where each path stands unless it moves.
    came_from = np.empty(cost.shape, np.int64)
    came_from[:] = np.arange(cost.shape[1])
    # Along the chain a path pays the difference of the prices between where it enters and where it leaves.
    chain, prices = columns.chain, columns.prices
    entry = cost[:, chain] - prices
    cheapest = np.minimum.accumulate(entry, axis=1)
    # Where nobody comes from the left more cheaply, paths stay.
    own = entry <= cheapest
    cost[:, chain] = np.where(own, cost[:, chain], cheapest + prices)
    entered = np.maximum.accumulate(np.where(own, np.arange(len(chain)), 0), axis=1)
    came_from[:, chain] = chain[entered]
    return came_from


def split_word(mask: NDArray[np.bool_], text: str) -> Split | None:
    """Find the stretch of columns of each character.

    The sum over characters of ``8 log(w / e)^2``, cut ink and a price for stretches without ink is made smallest, where
    ``e`` are the expected widths in one of several scales; runs of ink may be left out for a price.

    Args:
        mask: ``(H, W)`` ink of one line.
        text: Its characters, without spaces.

    Returns:
        The split, ``None`` if there is no ink or less than one place per character.

    Raises:
        ValueError: If the text is empty.
    """
    if not text:
        raise ValueError("expected at least one character")
    if not mask.any():
        return None
    # Places to cut at; fewer than the text needs cannot be a split.
    advances = relative_widths(text)
    columns = _columns(mask, float(advances.sum()))
    n = len(columns.places)
    if n <= len(text):
        return None
    # Expected widths: the ink's extent divided by the text's advances, at several scales.
    scales = SCALES * columns.extent / advances.sum()
    log_expected = np.log(scales[:, None] * np.maximum(advances - BEARING, 0.3))  # (scales, L)
    # What a stretch from place to place costs whatever its character: emptiness, gaps, cut ink. (n, n)
    widths = columns.places[None, :] - columns.places[:, None]
    forward = widths > 0
    log_widths = np.log(np.where(forward, widths, 1))
    has_ink = columns.ink_before[None, :] > columns.ink_before[:, None]
    fixed = np.where(forward, np.where(has_ink, 0.0, EMPTY_COST), np.inf)
    blank = columns.blank_before[None, :] - columns.blank_before[:, None]
    fixed += GAP_WEIGHT * blank / np.where(forward, widths, 1)
    fixed += (columns.cut[None, :] + columns.cut[:, None]) / 2  # each cut is two characters' border

    # Forward pass: the cheapest way to have set i characters when standing at each place. (scales, n)
    cost = np.full((len(scales), n), np.inf)
    cost[:, columns.starts[0]] = 0.0
    _move_on(cost, columns)
    steps = []
    rows, numbers = np.arange(len(scales))[:, None], np.arange(n)[None]
    for i in range(len(text)):
        through = WIDTH_WEIGHT * (log_widths - log_expected[:, i, None, None]) ** 2
        through += fixed + cost[:, :, None]  # (scales, from, to)
        begin = through.argmin(axis=1)  # where the character starts, by scale and end
        cost = through[rows, begin, numbers]
        steps.append((begin, _move_on(cost, columns)))
    # All characters are set and all ink is passed: the cheapest scale wins.
    last = columns.ends[-1]
    scale = int(cost[:, last].argmin())
    if not np.isfinite(cost[scale, last]):
        return None
    return _trace(steps, columns, scale, log_expected, float(cost[scale, last]))


def split_slanted(mask: NDArray[np.bool_], text: str, upright: Split) -> Split:
    """The split of slanted writing, where that is easier than the upright one by a margin.

    Args:
        mask: ``(H, W)`` ink of one line.
        text: Its characters, without spaces.
        upright: What :func:`split_word` found.
    """
    best, least = upright, upright.cost - SLANT_MARGIN
    for slant in SLANTS:
        straight, margin = straightened(mask, slant)
        found = split_word(straight, text)
        if found is not None and found.cost < least:
            best, least = replace(found, cells=found.cells - margin, slant=slant), found.cost
    return best


def _trace(
    steps: list[tuple[NDArray[np.int64], NDArray[np.int64]]],
    columns: _Columns,
    scale: int,
    log_expected: NDArray[np.float64],
    total: float,
) -> Split:
    # Backwards from the end along the cheapest path.
    place = columns.ends[-1]
    cells, costs = [], []

    for i in range(len(steps) - 1, -1, -1):
        begin, came_from = steps[i]
        end = came_from[scale, place]
        place = begin[scale, end]

        # The cost is the forward pass's, by character, so that each can be judged alone.
        width = columns.places[end] - columns.places[place]
        empty = columns.ink_before[end] == columns.ink_before[place]
        blank = columns.blank_before[end] - columns.blank_before[place]
        own = WIDTH_WEIGHT * (np.log(width) - log_expected[scale, i]) ** 2 + (EMPTY_COST if empty else 0.0)
        own += GAP_WEIGHT * blank / width

        costs.append(own + (columns.cut[end] + columns.cut[place]) / 2)

        cells.append((columns.places[place], columns.places[end]))

    return Split(np.array(cells[::-1], np.int64), np.array(costs[::-1]), total / len(steps))
