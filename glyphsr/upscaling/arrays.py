"""Arrays and PIL images of any kind through what enlarges colour, and back to what they were."""

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from glyphsr.images.reader import Picture
from glyphsr.images.resize import FloatImage
from glyphsr.images.transparency import as_seen, enlarged
from glyphsr.upscaling.target_size import TargetSize

ImageLike = TypeVar("ImageLike", NDArray[Any], Image.Image)

Enlarge = Callable[[FloatImage, tuple[int, int]], FloatImage]
"""``(H, W, 3)`` float32 in [0, 1] and the size asked for to the result."""


def enlarge_image(image: ImageLike, target: TargetSize, enlarge: Enlarge) -> ImageLike:
    """The same kind of picture, dtype and channels, larger; transparency by bicubic.

    Args:
        image: PIL image, or array ``(H, W)``, ``(H, W, 3)`` or ``(H, W, 4)``: uint8, uint16, or float in [0, 1].
        target: Tells the size.
        enlarge: What enlarges colour.

    Raises:
        ValueError: If the array has another shape or dtype.
        ConfigError: If the size is out of range.
    """
    if isinstance(image, Image.Image) and image.mode.startswith("I;16"):
        return Image.fromarray(enlarge_array(np.asarray(image, np.uint16), target, enlarge))
    if isinstance(image, Image.Image):
        mode = image.mode if image.mode in ("L", "LA", "RGB", "RGBA") else "RGB"
        return Image.fromarray(enlarge_array(np.asarray(image.convert(mode)), target, enlarge))
    return enlarge_array(image, target, enlarge)


def enlarge_array(array: NDArray[Any], target: TargetSize, enlarge: Enlarge) -> NDArray[Any]:
    """As :func:`enlarge_image`, of arrays; two channels are grey and transparency."""
    channels = 1 if array.ndim == 2 else array.shape[-1]
    if array.ndim not in (2, 3) or channels not in (1, 2, 3, 4) or 0 in array.shape:
        raise ValueError(f"expected (H, W), (H, W, 3) or (H, W, 4), got {array.shape}")
    if array.dtype not in (np.uint8, np.uint16) and not np.issubdtype(array.dtype, np.floating):
        raise ValueError(f"expected uint8, uint16 or floats in [0, 1], got {array.dtype}")
    top = 1.0 if np.issubdtype(array.dtype, np.floating) else float(np.iinfo(array.dtype).max)
    values = (array.astype(np.float32) / top).reshape(*array.shape[:2], channels)
    colour = values[..., :3] if channels >= 3 else np.repeat(values[..., :1], 3, axis=2)
    size = target.of(array.shape[0], array.shape[1])
    alpha = np.ascontiguousarray(values[..., -1]) if channels in (2, 4) else None
    picture = Picture(np.ascontiguousarray(colour), alpha)
    larger = enlarged(picture, enlarge(as_seen(picture), size))
    parts = [larger.rgb if channels >= 3 else larger.rgb.mean(axis=2, keepdims=True)]
    if larger.alpha is not None:
        parts.append(larger.alpha[..., None])
    out = np.concatenate(parts, axis=2).reshape(*size, *array.shape[2:])
    return out.astype(array.dtype) if top == 1.0 else (out * top + 0.5).astype(array.dtype)
