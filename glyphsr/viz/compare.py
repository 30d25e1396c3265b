"""Before and after, one above the other."""

import cv2
import numpy as np
from numpy.typing import NDArray

CAPTION_HEIGHT = 18
MIN_WIDTH = 120


def _with_caption(image: NDArray[np.uint8], caption: str) -> NDArray[np.uint8]:
    bar = np.full((CAPTION_HEIGHT, image.shape[1], 3), 255, np.uint8)
    cv2.putText(bar, caption, (3, 13), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (70, 70, 70), 1, cv2.LINE_AA)
    return np.vstack([bar, image])


def before_after(before: NDArray[np.float32], after: NDArray[np.float32]) -> NDArray[np.float32]:
    """A captioned panel of two equal-sized pictures.

    Args:
        before: ``(H, W, 3)`` in [0, 1], bicubic.
        after: The result, same shape.

    Returns:
        ``(H', W', 3)`` in [0, 1]; at least 120 pixels wide.

    Raises:
        ValueError: If the shapes differ.
    """
    if before.shape != after.shape:
        raise ValueError(f"expected one shape, got {before.shape} and {after.shape}")

    rows = []
    for image, caption in ((before, "bicubic"), (after, "glyphsr")):
        pixels = (image.clip(0, 1) * 255 + 0.5).astype(np.uint8)
        # Wide enough for the caption.
        missing = max(0, MIN_WIDTH - pixels.shape[1])
        pixels = np.pad(pixels, ((0, 0), (0, missing), (0, 0)), constant_values=255)
        rows.append(_with_caption(pixels, caption))
    return np.vstack(rows).astype(np.float32) / 255.0
