"""Pictures that people have in memory, arrays and PIL images, as what the reader makes of files, and back."""

from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from glyphsr.images.reader import Picture

MemoryImage: TypeAlias = NDArray[Any] | Image.Image

FAR_OUTSIDE = 1.0
"""How far floats may lie outside [0, 1], as results of networks do; what lies further is on another scale."""

WIDE_MODES = ("I;16", "I;16L", "I;16B", "I;16N", "I")
"""PIL's modes of grey with more than 8 bits."""


def to_picture(image: MemoryImage) -> Picture:
    """An array or PIL image as a picture.

    Args:
        image: PIL image of any mode, turned as its EXIF data say; or an array ``(H, W)`` or ``(H, W, 1..4)``, channels
            last and in the order RGB: uint8, uint16, bool, or float in [0, 1]. Two and four channels end in
            transparency.

    Raises:
        ValueError: If the array has another shape, dtype or range.
        TypeError: If it is neither.
    """
    if isinstance(image, Image.Image):
        return _from_pil(image)
    if not isinstance(image, np.ndarray):
        raise TypeError(f"expected a path, a PIL image or a NumPy array, got {type(image).__name__}")
    return _from_array(image)


def _from_pil(image: Image.Image) -> Picture:
    upright = ImageOps.exif_transpose(image)
    profile, dpi = upright.info.get("icc_profile"), upright.info.get("dpi")
    resolution = (float(dpi[0]), float(dpi[1])) if dpi and min(dpi) > 0 else None
    # Grey of 16 bits, and of floats that may count to 255.
    if upright.mode in WIDE_MODES:
        return replace(_from_array(np.asarray(upright).clip(0, 65535).astype(np.uint16)), dpi=resolution)
    if upright.mode == "F":
        values = np.asarray(upright, np.float32)
        return _from_array(values / (255 if values.max(initial=0) > 1 else 1))

    # All others by their kind: grey or colour, with or without transparency.
    transparent = upright.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in upright.info
    gray = upright.mode in ("1", "L", "LA", "La")
    mode = ("LA" if transparent else "L") if gray else ("RGBA" if transparent else "RGB")
    known = profile if upright.mode not in ("CMYK", "LAB", "YCbCr") else None
    return replace(_from_array(np.asarray(upright.convert(mode))), icc_profile=known, dpi=resolution)


def _from_array(array: NDArray[Any]) -> Picture:
    channels = 1 if array.ndim == 2 else array.shape[-1]
    if array.ndim not in (2, 3) or channels not in (1, 2, 3, 4) or 0 in array.shape:
        raise ValueError(f"expected (H, W) or (H, W, 1..4), channels last, got {array.shape}")
    # Networks' results may lie a little outside; values up to 255 are a mistake.
    values = array.astype(np.float32) / np.float32(_white(array.dtype))
    if not np.isfinite(values).all() or values.min() < -FAR_OUTSIDE or values.max() > 1 + FAR_OUTSIDE:
        raise ValueError(f"expected floats in [0, 1], got {values.min():g} to {values.max():g}")

    values = values.reshape(*array.shape[:2], channels).clip(0, 1)
    # 1 grey, 2 grey and transparency, 3 RGB, 4 RGB and transparency.
    colour = values[..., :3] if channels >= 3 else np.repeat(values[..., :1], 3, axis=2)
    return Picture(
        np.ascontiguousarray(colour),
        np.ascontiguousarray(values[..., -1]) if channels in (2, 4) else None,
        gray=channels < 3,
        bits=8 if array.dtype in (np.uint8, np.bool_) else 16,
    )


def _white(dtype: np.dtype[Any]) -> float:
    if np.issubdtype(dtype, np.floating) or dtype == np.bool_:
        return 1.0
    if dtype in (np.uint8, np.uint16):
        return float(np.iinfo(dtype).max)
    raise ValueError(f"expected uint8, uint16, bool or floats in [0, 1], got {dtype}")


def to_array(picture: Picture, dtype: np.dtype[Any] | type[Any] = np.uint8) -> NDArray[Any]:
    """``(H, W)`` of grey pictures, else ``(H, W, C)`` with C 2 (grey and transparency), 3 or 4.

    Args:
        picture: Values in [0, 1].
        dtype: uint8, uint16, bool or a float type.
    """
    kind = np.dtype(dtype)

    parts = [picture.rgb.mean(axis=2, keepdims=True) if picture.gray else picture.rgb]
    if picture.alpha is not None:
        parts.append(picture.alpha[..., None])
    values = np.concatenate(parts, axis=2).clip(0, 1)
    values = values[..., 0] if values.shape[2] == 1 else values

    white = _white(kind)
    if kind == np.bool_:
        return np.asarray(values >= 0.5)
    return values.astype(kind) if white == 1.0 else (values * white + 0.5).astype(kind)


def to_pil(picture: Picture) -> Image.Image:
    """PIL image of mode L, LA, RGB, RGBA or, for grey pictures of 16 bits, I;16, with ICC profile and resolution."""
    wide = picture.bits == 16 and picture.gray and picture.alpha is None
    image = Image.fromarray(to_array(picture, np.uint16 if wide else np.uint8))
    if picture.icc_profile:
        image.info["icc_profile"] = picture.icc_profile
    if picture.dpi:
        image.info["dpi"] = picture.dpi
    return image


def like(image: MemoryImage, picture: Picture) -> MemoryImage:
    """A picture as the same kind of thing as another: PIL image, or array of the same dtype and number of axes."""
    if isinstance(image, Image.Image):
        return to_pil(picture)
    array = to_array(picture, image.dtype)
    return array[..., None] if image.ndim == 3 and array.ndim == 2 else array
