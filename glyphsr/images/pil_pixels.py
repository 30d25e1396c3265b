"""The pixels of a PIL image as floats."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

BAND = 1024
"""Rows."""


def rgb_of(image: Image.Image) -> NDArray[np.float32]:
    """``(H, W, 3)`` in [0, 1] of a picture of 8 bits, without its transparency.

    A few rows at a time are converted, since photographs are large.
    """
    pixels = np.empty((image.height, image.width, 3), np.float32)
    for first in range(0, image.height, BAND):
        rows = image.crop((0, first, image.width, min(first + BAND, image.height)))
        pixels[first : first + BAND] = np.asarray(rows.convert("RGB"))
    pixels /= np.float32(255)
    return pixels
