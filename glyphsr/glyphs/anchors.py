"""Anchors: each key point and its shifts, single-point prompts for a segmenter (paper, section on the GEM)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from glyphsr.glyphs.protocols import KeyPoints, Prompts
from glyphsr.glyphs.segmentation_localizer import stretch_ink
from glyphsr.glyphs.word import Word

DIRECTIONS = np.array([(0, -1), (0, 1), (-1, 0), (1, 0)], np.float64)
"""Up, down, left, right, as ``(x, y)``."""


def anchors_of(point: NDArray[np.float64], steps: Sequence[float], size: tuple[int, int]) -> NDArray[np.float64]:
    """The 4K + 1 anchors of one key point: itself, then up, down, left and right by each of K steps.

    Args:
        point: ``(x, y)`` in pixels.
        steps: K shifts in pixels.
        size: ``(height, width)`` of the picture; anchors outside are moved to its nearest pixel.

    Returns:
        ``(4K + 1, 2)``, rounded to whole pixels.

    Example:
        >>> anchors_of(np.array([5.0, 1.0]), (2,), (8, 16)).tolist()
        [[5.0, 1.0], [5.0, 0.0], [5.0, 3.0], [3.0, 1.0], [7.0, 1.0]]
    """
    shifts = np.concatenate([np.zeros((1, 2)), *(DIRECTIONS * step for step in steps)])
    limit = np.array([size[1] - 1, size[0] - 1], np.float64)
    # Half a pixel goes up, wherever it is, so that shifting the picture shifts the anchors.
    return np.asarray(np.clip(np.floor(point + shifts + 0.5), 0, limit))


def _on_ink(anchors: NDArray[np.float64], mask: NDArray[np.bool_], own: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Those anchors that are on ink, else the ink of the own stretch, or any, that is nearest to the first one."""
    inside = mask[anchors[:, 1].astype(int), anchors[:, 0].astype(int)]
    if inside.any():
        return np.asarray(anchors[inside])
    # None is on ink: the nearest ink stands in for all of them.
    rows, columns = np.nonzero(own if own.any() else mask)
    if not len(rows):
        return anchors[:1]
    nearest = np.argmin((columns - anchors[0, 0]) ** 2 + (rows - anchors[0, 1]) ** 2)
    return np.array([[columns[nearest], rows[nearest]]], np.float64)


def prompts_of(word: Word, key_points: KeyPoints, steps: Sequence[float], *, on_ink: bool) -> Prompts:
    """All prompts of a word, each place once per character.

    Args:
        word: Gives the frame's size and the ink.
        key_points: P per character.
        steps: Shifts in pixels of the frame.
        on_ink: Keep only anchors on ink; where a character has none, the nearest ink stands in.
    """
    points, owners = [], []
    stretches = stretch_ink(word) if on_ink else None
    for i, own in enumerate(key_points.points):
        anchors = np.concatenate([anchors_of(point, steps, word.ink.mask.shape) for point in own])
        if stretches is not None:
            anchors = _on_ink(anchors, word.ink.mask, stretches[i])
        _, first = np.unique(anchors, axis=0, return_index=True)
        anchors = anchors[np.sort(first)]  # equal prompts give equal masks
        points.append(anchors)
        owners.append(np.full(len(anchors), i, np.int64))
    return Prompts(np.concatenate(points), np.concatenate(owners))
