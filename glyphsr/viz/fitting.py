"""Pictures brought into the cells of a sheet."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def fit(image: NDArray[np.uint8], *, height: int, width: int) -> Image.Image:
    """The largest size within a cell that keeps the aspect; enlarged without smoothing, so that pixels can be seen.

    Args:
        image: ``(H, W, 3)`` uint8 RGB.
        height: Of the cell in pixels.
        width: Likewise.

    Example:
        >>> fit(np.zeros((8, 32, 3), np.uint8), height=16, width=100).size
        (64, 16)
    """
    scale = min(height / image.shape[0], width / image.shape[1])
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    method = Image.Resampling.NEAREST if scale > 1 else Image.Resampling.BICUBIC
    return Image.fromarray(image).resize(size, method)
