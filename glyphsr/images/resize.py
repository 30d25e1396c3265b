"""Three ways to resize: for enlargements, as TextZoom's loader does, and by area for masks and words."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

FloatImage = NDArray[np.float32]
"""``(H, W, 3)`` float32 in [0, 1]."""

ByteImage = NDArray[np.uint8]
"""``(H, W, 3)`` uint8."""


def resize(
    image: FloatImage, size: tuple[int, int], *, enlarging: int = cv2.INTER_CUBIC, averaged: float = 1.0
) -> FloatImage:
    """Bicubic when enlarging, area average when reducing; an axis at a time, so that mixed cases do right on both.

    Args:
        image: ``(H, W)`` or ``(H, W, C)`` float32.
        size: ``(height, width)``, each at least 1.
        enlarging: Method of cv2's for an axis that grows, instead of bicubic.
        averaged: Fraction of its length below which an axis that shrinks is averaged; else it is bicubic, too.
    """
    for axis in (0, 1):
        if image.shape[axis] == size[axis]:
            continue

        shape = [image.shape[0], image.shape[1]]
        if size[axis] > shape[axis]:
            method = enlarging
        else:
            # Hardly smaller: an average over little more than a pixel would blur.
            method = cv2.INTER_AREA if size[axis] < averaged * shape[axis] else cv2.INTER_CUBIC

        shape[axis] = size[axis]
        resized = cv2.resize(image, (shape[1], shape[0]), interpolation=method)
        # cv2 drops a channel axis of length 1.
        image = np.asarray(resized.reshape(shape[0], shape[1], *image.shape[2:]), np.float32)
    return image


def resize_like_pil(image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """PIL bicubic with antialiasing, as TextZoom's loader, to ``(height, width)``."""
    if image.shape[:2] == size:
        return image
    # With a fourth byte per pixel PIL takes the array as it is, and gives its own back, without repacking either.
    padded = cv2.cvtColor(image, cv2.COLOR_RGB2RGBA)
    view = Image.frombuffer("RGBX", (image.shape[1], image.shape[0]), padded, "raw", "RGBX", 0, 1)
    resized = np.asarray(view.resize((size[1], size[0]), Image.Resampling.BICUBIC))
    return np.asarray(cv2.cvtColor(resized, cv2.COLOR_RGBA2RGB), np.uint8)


def resize_by_area(image: NDArray[Any], size: tuple[int, int], enlarging: int) -> NDArray[Any]:
    """Each axis by area where it shrinks, else by the method given; ``(H, W)`` or ``(H, W, 3)`` to ``size``."""
    for height, width in ((size[0], image.shape[1]), size):
        if (height, width) != image.shape[:2]:
            shrinks = height < image.shape[0] or width < image.shape[1]
            method = cv2.INTER_AREA if shrinks else enlarging
            image = np.asarray(cv2.resize(image, (width, height), interpolation=method))
    return image
