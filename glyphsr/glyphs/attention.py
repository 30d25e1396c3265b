"""Key points where a recognizer looks (paper, section on the GEM): attention maps to centres and glyph attention."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from glyphsr.config.extraction import KeyPointConfig
from glyphsr.glyphs.kmeans import kmeans_line
from glyphsr.glyphs.protocols import KeyPoints
from glyphsr.glyphs.segmentation_localizer import CUTS, CutsLocalizer
from glyphsr.glyphs.word import Word

ATTENTION = "attention"
COINCIDE = 1.0
"""Pixels below which two characters' key points are the same place."""


class AttentionSource(Protocol):
    """A recognizer that shows where it looks for each character of a known text."""

    def attend(self, words: Sequence[Word]) -> list[list[NDArray[np.float32] | str]]:
        """For each character of each word its map ``(h, w)``, spread over the whole picture, or why there is none."""
        ...


class GlyphAttentionSource(Protocol):
    """A recognizer that shows which pixels belong to each character of a known text."""

    def regions(self, words: Sequence[Word]) -> list[list[NDArray[np.bool_] | str]]:
        """For each character of each word its glyph attention ``(H, W)`` in the frame, or why there is none."""
        ...


def merge_heads(attention: NDArray[np.float32], how: str) -> NDArray[np.float32]:
    """``(A, T, h, w)`` to ``(T, h, w)``: the mean over heads, or the greatest."""
    return np.asarray(attention.mean(axis=0) if how == "mean" else attention.max(axis=0), np.float32)


def enlarge(attention: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """A map ``(h, w)`` bilinearly to ``(height, width)``."""
    return np.asarray(cv2.resize(attention, size[::-1], interpolation=cv2.INTER_LINEAR), np.float32)


def attention_centre(attention: NDArray[np.float32], config: KeyPointConfig) -> NDArray[np.float64] | None:
    """Key point 1: threshold, opening, connected components, centre of the one with the most attention.

    Args:
        attention: ``(H, W)``, not negative.
        config: Thresholds and kinds.

    Returns:
        ``(x, y)``; ``None`` for a map that is empty or has values that are no numbers.
    """
    # The threshold is relative to the peak; a map without one says nothing.
    peak = float(attention.max()) if np.isfinite(attention).all() else 0.0
    if peak <= 0:
        return None

    mask = np.asarray(attention >= config.threshold * peak, np.uint8)
    if config.opening > 1:
        opened = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((config.opening, config.opening), np.uint8))
        mask = (
            np.asarray(opened, np.uint8) if np.any(opened) else mask
        )  # a peak smaller than the kernel is still the peak

    # Of the places that are looked at, the one that gets most of the attention. Label 0 is the ground.
    count, labels = cv2.connectedComponents(mask, connectivity=8)
    mass = np.bincount(labels.ravel(), weights=attention.ravel(), minlength=count)
    best = labels == 1 + int(mass[1:].argmax())
    # Its centre: of its box, or weighted by the attention.
    rows, columns = np.nonzero(best)
    if config.centre == "box":
        return np.array([(columns.min() + columns.max()) / 2, (rows.min() + rows.max()) / 2])

    weights = attention[best]
    return np.array([np.average(columns, weights=weights), np.average(rows, weights=weights)])


def glyph_attention(
    foreground: NDArray[np.bool_], attention: NDArray[np.float32], threshold: float
) -> NDArray[np.bool_]:
    """Foreground under the columns that a character's attention reaches.

    Source: SIGA's glyph attention, the foreground times the column attention repeated over the height.

    Args:
        foreground: ``(H, W)``.
        attention: ``(H, W)``; summed over its height.
        threshold: Fraction of the greatest column that a column must reach.
    """
    columns = attention.sum(axis=0)
    peak = float(columns.max())
    if not np.isfinite(peak) or peak <= 0:
        return np.zeros_like(foreground)
    return np.asarray(foreground & (columns >= threshold * peak)[None])


def rectangle_centre(mask: NDArray[np.bool_], *, rotated: bool) -> NDArray[np.float64] | None:
    """Key point 2: centre of the minimum bounding rectangle of a region, ``None`` for an empty one."""
    rows, columns = np.nonzero(mask)
    if not len(rows):
        return None

    if rotated:
        centre = cv2.minAreaRect(np.stack([columns, rows], axis=1).astype(np.float32))[0]
        return np.array(centre, np.float64)
    return np.array([(columns.min() + columns.max()) / 2, (rows.min() + rows.max()) / 2])


@dataclass(frozen=True, eq=False)
class AttentionLocalizer:
    """Two key points per character from two attentions; cuts stand in where there is no position attention."""

    source: AttentionSource
    """Position attention, for key point 1."""
    config: KeyPointConfig
    glyphs: GlyphAttentionSource | None = None
    """Glyph attention, for key point 2; ``None`` for a foreground mask under the columns that ``source`` attends to."""
    separate: bool = True
    """Whether characters that attention puts in one place are moved apart."""

    def locate(self, words: Sequence[Word]) -> list[KeyPoints]:
        """As :meth:`Localizer.locate`."""
        maps = self.source.attend(words)
        regions = [None] * len(words) if self.glyphs is None else self.glyphs.regions(words)
        cuts = CutsLocalizer().locate(words)
        return [self._locate(*row) for row in zip(words, maps, regions, cuts, strict=True)]

    def _locate(
        self,
        word: Word,
        maps: Sequence[NDArray[np.float32] | str],
        given: Sequence[NDArray[np.bool_] | str] | None,
        cuts: KeyPoints,
    ) -> KeyPoints:
        # Cuts first; each character for which attention has an answer takes that.
        foreground = kmeans_line(word.image) if self.config.foreground == "kmeans" else word.ink.mask

        least = self.config.min_area * word.ink.mask.sum() / len(word.text)
        points, regions = cuts.points.copy(), cuts.attention.copy()
        sources, reasons = list(cuts.sources), list(cuts.reasons)

        for i, attention in enumerate(maps):
            # No map for this character: the reason stands in its place.
            if isinstance(attention, str):
                reasons[i] = attention
                continue

            # Key point 1: the centre of the recognizer's attention.
            full = enlarge(attention, word.ink.mask.shape)
            first = attention_centre(full, self.config)
            if first is None:
                reasons[i] = "nan_attention" if not np.isfinite(full).all() else "empty_attention"
                continue

            # Key point 2: the centre of the glyph attention, SIGA's or foreground under the same columns.
            region = np.zeros_like(foreground)
            if given is None:
                region = glyph_attention(foreground, full, self.config.column_threshold)
            elif not isinstance(given[i], str):
                region = np.array(given[i])

            if region.sum() < max(1.0, least):
                region[:] = False  # unusable: the selection falls back on the masks' confidence

            second = rectangle_centre(region, rotated=self.config.rectangle == "rotated")

            points[i] = [first, first if second is None else second]
            regions[i], sources[i] = region, ATTENTION

        if self.separate:
            _separate(points, regions, sources, reasons, cuts)

        return KeyPoints(points, tuple(sources), regions, tuple(reasons))


def _separate(
    points: NDArray[np.float64],
    regions: NDArray[np.bool_],
    sources: list[str],
    reasons: list[str | None],
    cuts: KeyPoints,
) -> None:
    """Of characters that attention puts in one place, leave there the one that cuts put nearest; changes in place."""
    changed = True
    while changed:  # who is moved may meet another; each change makes one more character a matter of cuts
        changed = False
        for k, i in itertools.combinations(range(len(points)), 2):
            if ATTENTION not in (sources[i], sources[k]) or np.hypot(*(points[i, 0] - points[k, 0])) >= COINCIDE:
                continue
            # The one that cuts put nearer to the common place stays; a character already by cuts always does.
            apart = [np.hypot(*(points[j, 0] - cuts.points[j, 0])) for j in (k, i)]
            loser = i if sources[k] == CUTS or (sources[i] == ATTENTION and apart[1] >= apart[0]) else k

            points[loser], regions[loser] = cuts.points[loser], cuts.attention[loser]
            sources[loser], reasons[loser] = CUTS, "coinciding"
            changed = True


def _longest_increasing(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Members of a longest strictly increasing subsequence.

    Example:
        >>> _longest_increasing(np.array([92.0, 31, 49, 67, 85])).tolist()
        [False, True, True, True, True]
    """
    # Dynamic programming in O(n^2): words have few characters.
    length = np.ones(len(values), int)
    before = np.full(len(values), -1)
    for i in range(len(values)):
        for k in range(i):
            if values[k] < values[i] and length[k] + 1 > length[i]:
                length[i], before[i] = length[k] + 1, k
    # Back from the end of the longest one.
    kept = np.zeros(len(values), bool)
    i = int(length.argmax())
    while i >= 0:
        kept[i] = True
        i = int(before[i])
    return kept


CONFIDENT_SPLIT = 0.4
"""Cost of a split per character below which it is trusted more than attention: the cheapest 80% of words, of which 98%
have all characters right (docs/decisions/0010)."""

HALF = 0.5


@dataclass(frozen=True, eq=False)
class CheckedLocalizer:
    """Attention, verified by cuts: characters out of order, or half a stretch off a confident split, are replaced."""

    attention: AttentionLocalizer

    def locate(self, words: Sequence[Word]) -> list[KeyPoints]:
        """As :meth:`Localizer.locate`."""
        cuts = CutsLocalizer().locate(words)
        return [self._check(*row) for row in zip(words, self.attention.locate(words), cuts, strict=True)]

    @staticmethod
    def _check(word: Word, found: KeyPoints, cuts: KeyPoints) -> KeyPoints:
        points, regions = found.points.copy(), found.attention.copy()
        sources, reasons = list(found.sources), list(found.reasons)

        def along(places: NDArray[np.float64]) -> NDArray[np.float64]:
            return word.split.middle_x(places[:, 0], word.ink.mask.shape[0])

        def give_up(character: int, reason: str) -> None:
            points[character], regions[character] = cuts.points[character], cuts.attention[character]
            sources[character], reasons[character] = CUTS, reason

        # First check: where the split is easy, a point must lie within half a stretch of the cut's.
        if word.split.cost < CONFIDENT_SPLIT:
            widths = word.split.cells[:, 1] - word.split.cells[:, 0]
            far = np.abs(along(points) - along(cuts.points)) > HALF * widths
            for i in range(len(points)):
                if far[i] and sources[i] == ATTENTION:
                    give_up(i, "far_from_cuts")
        # Second check: points run from left to right like the text.
        while ATTENTION in sources:  # a replaced point may stand in another's way
            kept = _longest_increasing(along(points))
            wrong = [i for i in range(len(kept)) if not kept[i] and sources[i] == ATTENTION]
            if kept.all():
                break
            # Those in order are wrong only where nothing but cuts is left to be.
            for i in wrong or [i for i in range(len(kept)) if sources[i] == ATTENTION]:
                give_up(i, "out_of_order")
        return KeyPoints(points, tuple(sources), regions, tuple(reasons))
