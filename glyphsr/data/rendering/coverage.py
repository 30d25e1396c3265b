"""How much of each pixel a character covers, and the mask that follows from it."""

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from glyphsr.data.rendering.layout import Layout, Matrix, PlacedGlyph, UndrawableError

FINE = 2
"""Samples per pixel and axis; what they cover is averaged."""

HALF = 0.5

FAINT = 24
"""Of 255: a character that covers no part of a pixel more than this cannot be seen."""

Patch = tuple[slice, slice]
"""Rows and columns of a picture."""

_TO_FINE = np.array([[FINE, 0, -HALF], [0, FINE, -HALF], [0, 0, 1.0]])
"""From points of the picture to OpenCV's, which count from the centres of the fine pixels."""

_FROM_CENTRES = np.array([[1, 0, HALF], [0, 1, HALF], [0, 0, 1.0]])


def cover(glyph: PlacedGlyph, size: tuple[int, int]) -> tuple[Patch, NDArray[np.uint8]] | None:
    """Coverage of one character, on the part of the picture that it touches.

    Args:
        glyph: With its place.
        size: ``(H, W)`` of the picture.

    Returns:
        Rows and columns, and ``(rows, columns)`` uint8, 255 for pixels wholly covered; ``None`` outside the picture.
    """
    place = _reach(glyph, size)
    fine = _cover_finely(glyph, place)
    return None if fine is None else (place, _mean_of_fine(fine))


def _cover_finely(glyph: PlacedGlyph, place: Patch) -> NDArray[np.uint8] | None:
    """Coverage of the fine pixels of a part of the picture."""
    rows, columns = place
    if rows.stop <= rows.start or columns.stop <= columns.start:
        return None
    # From the shape's pixels to fine ones of this part; its corner is taken off in homogeneous coordinates.
    matrix: Matrix = _TO_FINE @ glyph.to_picture @ _FROM_CENTRES
    matrix[0] -= FINE * columns.start * matrix[2]
    matrix[1] -= FINE * rows.start * matrix[2]

    fine = (FINE * (columns.stop - columns.start), FINE * (rows.stop - rows.start))
    return np.asarray(cv2.warpPerspective(glyph.shape, matrix, fine, flags=cv2.INTER_LINEAR), np.uint8)


def _mean_of_fine(fine: NDArray[np.uint8]) -> NDArray[np.uint8]:
    size = (fine.shape[1] // FINE, fine.shape[0] // FINE)
    return np.asarray(cv2.resize(fine, size, interpolation=cv2.INTER_AREA), np.uint8)


def _reach(glyph: PlacedGlyph, size: tuple[int, int]) -> Patch:
    """The pixels that a character may touch; resampling's soft edge reaches a pixel further."""
    x0, y0, x1, y1 = glyph.box
    top, bottom = max(0, math.floor(y0 - 1)), min(size[0], math.ceil(y1 + 1))
    left, right = max(0, math.floor(x0 - 1)), min(size[1], math.ceil(x1 + 1))
    return slice(top, max(top, bottom)), slice(left, max(left, right))


def threshold(coverage: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """The pixels that belong to a character: those it covers by half, or by half of what it covers most.

    The second is less where its strokes are thinner than a pixel, and all but the same elsewhere.
    """
    most = int(coverage.max(initial=0))
    return np.asarray(coverage >= min(128, max(1, (most + 1) // 2)))


def union(
    glyphs: Sequence[PlacedGlyph], size: tuple[int, int], masks: NDArray[np.bool_] | None = None
) -> NDArray[np.uint8]:
    """Coverage of all characters together; where two share a pixel, the sum of theirs.

    Args:
        glyphs: With their places.
        size: ``(H, W)`` of the picture.
        masks: ``(L, H, W)``, filled with the mask of each character, which is the same whatever stands beside it.

    Returns:
        ``(H, W)`` uint8, 255 for pixels wholly covered.

    Raises:
        UndrawableError: If a character covers next to nothing.
    """
    whole = np.zeros((FINE * size[0], FINE * size[1]), np.uint8)
    for i, glyph in enumerate(glyphs):
        rows, columns = place = _reach(glyph, size)
        fine = _cover_finely(glyph, place)
        if fine is None or int(fine.max()) < FAINT:
            raise UndrawableError
        part = whole[FINE * rows.start : FINE * rows.stop, FINE * columns.start : FINE * columns.stop]
        part[:] = cv2.add(part, fine)  # saturates at 255
        if masks is not None:
            masks[i][place] = threshold(_mean_of_fine(fine))
    return _mean_of_fine(whole)


def masks_of(layout: Layout) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Coverage of the text as :func:`union`, and ``(L, H, W)``: the exact mask of every character."""
    masks = np.zeros((len(layout.glyphs), *layout.size), bool)
    return union(layout.glyphs, layout.size, masks), masks
