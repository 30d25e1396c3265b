"""JPEG and WebP, by the same libraries whatever the picture came from.

Pictures are BGR here, as OpenCV has them: chroma is compressed more than brightness, so the order counts.
"""

from typing import Any

import cv2
import numpy as np

from glyphsr.data.degradation.parameters import WEBP
from glyphsr.images.resize import ByteImage


def compress(image: ByteImage, codec: int, quality: int) -> ByteImage:
    """A picture through JPEG or WebP and back."""
    flag = cv2.IMWRITE_WEBP_QUALITY if codec == WEBP else cv2.IMWRITE_JPEG_QUALITY
    _, encoded = cv2.imencode(".webp" if codec == WEBP else ".jpg", image, [flag, quality])
    decoded: Any = cv2.imdecode(encoded, cv2.IMREAD_COLOR)
    return np.asarray(decoded, np.uint8)


def compress_off_grid(image: ByteImage, codec: int, quality: int, grid: tuple[int, int]) -> ByteImage:
    """Likewise, with the blocks of 8 pixels beginning ``grid`` columns and rows outside the picture."""
    x, y = grid
    wider = cv2.copyMakeBorder(image, y, 0, x, 0, cv2.BORDER_REPLICATE)
    return np.ascontiguousarray(compress(np.asarray(wider, np.uint8), codec, quality)[y:, x:])
