"""Geometry of a line of text in a photograph: cut out straight, put back where it was."""

import cv2
import numpy as np
from numpy.typing import NDArray

from glyphsr.images.resize import FloatImage

MARGIN = 0.12
"""How far beyond its box a line is cut, in its heights: the network has seen words with some ground around them."""

FEATHER = 0.12
"""Width of the border over which the change fades out, in heights."""

Quad = NDArray[np.float64]
"""``(4, 2)``: corners ``(x, y)``, clockwise as the text is read, its upper left first. What cuts and puts back takes
places where pixels' centres are whole numbers."""


def size_of(quad: Quad) -> tuple[float, float]:
    """``(height, width)`` of a line: of opposite sides the longer one."""
    top, right, bottom, left = (np.linalg.norm(quad[(i + 1) % 4] - quad[i]) for i in range(4))
    return float(max(left, right)), float(max(top, bottom))


def widen(quad: Quad) -> Quad:
    """The box with :data:`MARGIN` around it.

    Raises:
        ValueError: If it is tapered so much that there is nothing around it.
    """
    height, width = size_of(quad)
    # The box is a unit square in perspective; the margin is added there, so that it tapers with the line.
    unit = np.array([(0, 0), (1, 0), (1, 1), (0, 1)], np.float32)
    x, y = MARGIN * height / max(width, 1.0), MARGIN
    around = np.array([(-x, -y), (1 + x, -y), (1 + x, 1 + y), (-x, 1 + y)], np.float64)
    to_picture = cv2.getPerspectiveTransform(unit, quad.astype(np.float32))
    # Beyond the vanishing point corners would come back from the other side.
    depth = np.concatenate([around, np.ones((4, 1))], axis=1) @ to_picture[2]
    if depth.min() < 0.2:
        raise ValueError(f"a box of text is tapered too much: {quad.round(1).tolist()}")
    return np.asarray(cv2.perspectiveTransform(around[None], to_picture.astype(np.float64))[0])


def cut_out(picture: FloatImage, quad: Quad) -> FloatImage:
    """The line made straight, at the picture's own resolution; beyond the picture its border is repeated.

    Args:
        picture: ``(H, W, 3)``.
        quad: Of the line.

    Returns:
        ``(h, w, 3)`` float32.
    """
    height, width = (max(1, round(side)) for side in size_of(quad))
    to_line = cv2.getPerspectiveTransform(quad.astype(np.float32), _corners(height, width))
    size = (width, height)
    cut = cv2.warpPerspective(picture, to_line, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(cut, np.float32)


def _corners(height: int, width: int) -> NDArray[np.float32]:
    """Of a picture of that size, as places between pixel centres."""
    left, top, right, bottom = -0.5, -0.5, width - 0.5, height - 0.5
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom)], np.float32)


def put_back(page: FloatImage, taken: NDArray[np.float32], change: FloatImage, quad: Quad) -> float:
    """Add a line's change to the page where the line was, fading out towards its border.

    Args:
        page: ``(H, W, 3)``; changed in place.
        taken: ``(H, W)`` in [0, 1]: how much of each pixel earlier lines have changed; raised in place, so that where
            lines overlap the change is that of none of them twice.
        change: ``(h, w, 3)``: the straight line's result minus its plain enlargement.
        quad: Of the line, in the page's pixels.

    Returns:
        The sum of what it changed of values in [0, 1], whatever the sign.
    """
    height, width = page.shape[:2]
    # Only the part of the page around the line.
    left, top = np.maximum(np.floor(quad.min(axis=0)).astype(int) - 1, 0)
    right, bottom = np.minimum(np.ceil(quad.max(axis=0)).astype(int) + 2, (width, height))
    if left >= right or top >= bottom:
        return 0.0

    to_page = cv2.getPerspectiveTransform(_corners(*change.shape[:2]), (quad - (left, top)).astype(np.float32))
    size = (int(right - left), int(bottom - top))
    warped = cv2.warpPerspective(change, to_page, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    weight = cv2.warpPerspective(_feather(change.shape[0], change.shape[1]), to_page, size, flags=cv2.INTER_LINEAR)
    # What another line has taken of a pixel already is not given twice.
    own = np.minimum(weight, 1.0 - taken[top:bottom, left:right])
    patch = page[top:bottom, left:right]

    before = patch.clip(0, 1)
    patch += own[..., None] * warped
    taken[top:bottom, left:right] += own

    return float(np.abs(patch.clip(0, 1) - before).sum())


def _feather(height: int, width: int) -> NDArray[np.float32]:
    """``(height, width)``: 1 within, falling to 0 at the border."""
    fade = max(1.0, FEATHER * height)
    y = np.minimum(np.arange(height) + 0.5, height - np.arange(height) - 0.5) / fade
    x = np.minimum(np.arange(width) + 0.5, width - np.arange(width) - 0.5) / fade
    return np.asarray(np.minimum(np.minimum(y[:, None], x[None, :]), 1.0), np.float32)
