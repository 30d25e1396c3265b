"""Drawings of key points and anchors, from which glyph extraction makes its masks."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from glyphsr.viz.glyph_sheet import COLOURS

SCALE = 6
"""Factor by which the frame is enlarged."""


def points_drawing(
    frame: NDArray[np.uint8], key_points: NDArray[np.floating], anchors: NDArray[np.floating], owners: Sequence[int]
) -> NDArray[np.uint8]:
    """Draw key points as rings and anchors as dots over the enlarged image, in one colour per character.

    Args:
        frame: ``(32, W, 3)`` uint8.
        key_points: ``(L, P, 2)`` as ``(x, y)``, in pixels of the frame; centres of pixels are whole numbers.
        anchors: ``(M, 2)`` in the same coordinates.
        owners: Index of the character that each anchor belongs to.

    Returns:
        ``(6 * 32, 6 * W, 3)`` uint8.
    """
    # Faded, so that the marks stand out on any image.
    faded = (0.6 * frame.astype(np.float32) + 100).clip(0, 255).astype(np.uint8)
    image = Image.fromarray(faded.repeat(SCALE, axis=0).repeat(SCALE, axis=1))
    draw = ImageDraw.Draw(image)

    # Anchors first: key points are few, and must not be covered.
    for (x, y), owner in zip(anchors, owners, strict=True):
        _disc(draw, x, y, 3, fill=_colour(owner))

    for owner, points in enumerate(key_points):
        for x, y in points:
            _disc(draw, x, y, 7, outline=_colour(owner))

    return np.asarray(image)


def _colour(owner: int) -> tuple[int, int, int]:
    red, green, blue = (int(value) for value in COLOURS[owner % len(COLOURS)])
    return red, green, blue


def _disc(
    draw: ImageDraw.ImageDraw,
    x: float,
    y: float,
    radius: int,
    *,
    fill: tuple[int, int, int] | None = None,
    outline: tuple[int, int, int] | None = None,
) -> None:
    cx, cy = (x + 0.5) * SCALE, (y + 0.5) * SCALE
    box = (cx - radius, cy - radius, cx + radius, cy + radius)
    draw.ellipse(box, fill=fill, outline=outline, width=2 if outline else 0)
