"""JPEG and WebP, by the same libraries whatever the picture came from."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from glyphsr.data.degradation.parameters import WEBP

Pixels = NDArray[np.uint8]
"""``(h, w, 3)`` uint8 BGR, as OpenCV has it: chroma is kept more coarsely than brightness, so the order counts."""


def compress(image: Pixels, codec: int, quality: int) -> Pixels:
    """A picture through JPEG or WebP and back."""
    flag = cv2.IMWRITE_WEBP_QUALITY if codec == WEBP else cv2.IMWRITE_JPEG_QUALITY
    _, encoded = cv2.imencode(".webp" if codec == WEBP else ".jpg", image, [flag, quality])
    decoded: Any = cv2.imdecode(encoded, cv2.IMREAD_COLOR)
    return np.asarray(decoded, np.uint8)


def compress_off_grid(image: Pixels, codec: int, quality: int, grid: tuple[int, int]) -> Pixels:
    """Likewise, with the blocks of 8 pixels beginning ``grid`` columns and rows outside the picture."""
    x, y = grid
    wider = cv2.copyMakeBorder(image, y, 0, x, 0, cv2.BORDER_REPLICATE)
    return np.ascontiguousarray(compress(np.asarray(wider, np.uint8), codec, quality)[y:, x:])
