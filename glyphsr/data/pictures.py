"""Picture files of any kind in, the same kind out: alpha, 16 bit, grey, EXIF orientation, ICC profile, DPI."""

import io
import struct
import warnings
import zlib
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from glyphsr.errors import ConfigError, PictureError

SUFFIXES = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".bmp": "BMP",
}
"""File name endings we read from folders and write, with PIL's names of their formats."""

MAX_PIXELS = 64_000_000
"""Pixels beyond which a picture is refused, in and out; a guard against decompression bombs."""

WITH_ALPHA = {"PNG", "WEBP", "TIFF"}
WITH_16_BITS = {"PNG", "TIFF"}

_ORIENTATION = 0x0112


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture in memory, upright, ready for the network and for going back to a file like the one it came from."""

    rgb: NDArray[np.float32]
    """``(H, W, 3)`` in [0, 1]; grey pictures have three equal channels."""
    alpha: NDArray[np.float32] | None = None
    """``(H, W)`` in [0, 1], or ``None``."""
    gray: bool = False
    """Write one channel."""
    bits: int = 8
    """8 or 16 per channel."""
    icc_profile: bytes | None = None
    dpi: tuple[float, float] | None = None
    num_frames: int = 1
    """Frames or pages of the file; only the first is here."""


def _check_size(width: int, height: int, where: str) -> None:
    if width * height > MAX_PIXELS:
        raise PictureError(
            f"{where}: {width} x {height} pixels; at most {MAX_PIXELS // 1_000_000} million, crop the text first"
        )


def _has_16_bits(image: Image.Image, encoded: bytes) -> bool:
    if image.mode.startswith("I;16"):
        return True
    if image.format == "PNG":
        return len(encoded) > 24 and encoded[24] == 16  # bit depth in the IHDR chunk
    if image.format == "TIFF":
        bits = getattr(image, "tag_v2", {}).get(258, (8,))
        return bool(max(bits) == 16)
    return False


def _read_16_bits(encoded: bytes, orientation: int) -> tuple[NDArray[np.float32], NDArray[np.float32] | None, bool]:
    """Colour, alpha and whether it is grey; PIL would cut colour down to 8 bits."""
    array = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION)
    if array is None:
        raise ValueError("cannot decode its 16-bit pixels")
    top = 255.0 if array.dtype == np.uint8 else 65535.0
    values = np.asarray(array, np.float32) / np.float32(top)
    if values.ndim == 2:
        values = values[..., None]
    values = _upright(values, orientation)
    gray = values.shape[2] < 3
    colour = np.repeat(values[..., :1], 3, axis=2) if gray else values[..., 2::-1]
    alpha = values[..., -1] if values.shape[2] in (2, 4) else None
    return np.ascontiguousarray(colour), alpha, gray


def _upright(array: NDArray[np.float32], orientation: int) -> NDArray[np.float32]:
    """Undo an EXIF orientation (1..8)."""
    if orientation in (5, 6, 7, 8):
        array = array.transpose(1, 0, 2)
    flip_y, flip_x = orientation in (3, 4, 7, 8), orientation in (2, 3, 6, 7)
    return array[:: -1 if flip_y else 1, :: -1 if flip_x else 1]


def _to_srgb(image: Image.Image) -> tuple[Image.Image, bytes | None]:
    """A CMYK or Lab picture in sRGB, through its own profile where it has one that works."""
    profile = image.info.get("icc_profile")
    if profile:
        srgb = ImageCms.createProfile("sRGB")
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(image, source, srgb, outputMode="RGB")
            if converted is not None:
                return converted, ImageCms.ImageCmsProfile(srgb).tobytes()
        except (ImageCms.PyCMSError, OSError):
            pass  # a broken profile; PIL's plain conversion is what viewers fall back to
    return image.convert("RGB"), None


def _decode(encoded: bytes, where: str) -> Picture:
    image: Image.Image = Image.open(io.BytesIO(encoded))
    _check_size(image.width, image.height, where)
    orientation = int(image.getexif().get(_ORIENTATION, 1))
    profile: bytes | None = image.info.get("icc_profile")
    resolution = image.info.get("dpi")
    dpi = (float(resolution[0]), float(resolution[1])) if resolution and min(resolution) > 0 else None
    frames = int(getattr(image, "n_frames", 1))
    if _has_16_bits(image, encoded):
        colour, alpha, gray = _read_16_bits(encoded, orientation)
        return Picture(colour, alpha, gray=gray, bits=16, icc_profile=profile, dpi=dpi, num_frames=frames)
    image.load()
    image = ImageOps.exif_transpose(image)
    if image.mode in ("CMYK", "YCbCr", "LAB"):
        image, profile = _to_srgb(image)
    transparent = image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info
    gray = image.mode in ("1", "L", "LA", "La", "I", "F")
    pixels = np.asarray(image.convert("RGBA" if transparent else "RGB"), np.float32) / 255.0
    alpha = pixels[..., 3] if transparent else None
    return Picture(
        np.ascontiguousarray(pixels[..., :3]), alpha, gray=gray, icc_profile=profile, dpi=dpi, num_frames=frames
    )


def decode_picture(encoded: bytes, where: str) -> Picture:
    """Picture file content to a :class:`Picture`.

    Args:
        encoded: The whole file.
        where: Its name, for messages.

    Raises:
        PictureError: If it is empty, no picture, damaged or too large.
    """
    if not encoded:
        raise PictureError(f"{where}: the file is empty")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PIL warns of sizes that _check_size judges itself
            return _decode(encoded, where)
    except UnidentifiedImageError as error:
        raise PictureError(f"{where}: not a picture that can be read (PNG, JPEG, WebP, TIFF, BMP, GIF, ...)") from error
    except Image.DecompressionBombError as error:
        raise PictureError(
            f"{where}: more than {MAX_PIXELS // 1_000_000} million pixels; crop the text first"
        ) from error
    except (OSError, SyntaxError, ValueError, struct.error, zlib.error, cv2.error) as error:
        raise PictureError(
            f"{where}: damaged picture: {str(error).splitlines()[0] if str(error) else 'cannot decode'}"
        ) from error


def read_picture(path: Path) -> Picture:
    """Read a picture file.

    Raises:
        PictureError: If it is missing, unreadable, empty, no picture, damaged or too large.
    """
    try:
        encoded = path.read_bytes()
    except FileNotFoundError as error:
        raise PictureError(f"{path}: no such file") from error
    except OSError as error:
        raise PictureError(f"{path}: {error.strerror or error}") from error
    return decode_picture(encoded, str(path))


def picture_format(suffix: str) -> str:
    """PIL's format name of a file name ending.

    Raises:
        ConfigError: If we do not write such files.
    """
    name = SUFFIXES.get(suffix.lower())
    if name is None:
        raise ConfigError(f"{suffix or '(none)'}: not a picture format we write; use one of {' '.join(SUFFIXES)}")
    return name


def fit_to_format(picture: Picture, format_name: str) -> Picture:
    """What of a picture a format can hold: alpha laid over white and 16 bits cut to 8 where it cannot hold them."""
    if picture.alpha is not None and format_name not in WITH_ALPHA:
        alpha = picture.alpha[..., None]
        picture = replace(picture, rgb=picture.rgb * alpha + (1 - alpha), alpha=None)
    if picture.bits == 16 and format_name not in WITH_16_BITS:
        picture = replace(picture, bits=8)
    return picture


def _png_with_metadata(encoded: bytes, picture: Picture) -> bytes:
    """Insert profile and resolution after a PNG's header chunk (cv2 writes neither)."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header_end = 8 + 25
    chunks = b""
    if picture.icc_profile:
        chunks += chunk(b"iCCP", b"ICC Profile\0\0" + zlib.compress(picture.icc_profile))
    if picture.dpi:
        per_metre = [round(value / 0.0254) for value in picture.dpi]
        chunks += chunk(b"pHYs", struct.pack(">IIB", *per_metre, 1))
    return encoded[:header_end] + chunks + encoded[header_end:]


def _encode_16_bits(channels: NDArray[np.float32], picture: Picture, format_name: str) -> bytes:
    values = (channels * 65535 + 0.5).astype(np.uint16)
    if format_name == "TIFF":
        import tifffile  # comes with scikit-image; needed for this one format only

        tags = [(34675, "B", len(picture.icc_profile), picture.icc_profile, True)] if picture.icc_profile else []
        buffer = io.BytesIO()
        tifffile.imwrite(
            buffer,
            values,
            photometric="minisblack" if picture.gray else "rgb",
            extrasamples=None if picture.alpha is None else ["unassalpha"],
            resolution=picture.dpi,
            resolutionunit="INCH" if picture.dpi else None,
            extratags=tags,
        )
        return buffer.getvalue()
    if values.ndim == 3 and values.shape[2] == 2:  # PNG through cv2 has no grey with alpha
        values = np.concatenate([np.repeat(values[..., :1], 3, axis=2), values[..., 1:]], axis=2)
    if values.ndim == 3:
        values = values[..., [2, 1, 0, 3][: values.shape[2]]]
    _, encoded = cv2.imencode(".png", values)
    return _png_with_metadata(encoded.tobytes(), picture)


def encode_picture(picture: Picture, format_name: str, *, quality: int = 95) -> bytes:
    """A picture as the content of a file.

    Args:
        picture: What to write; values are clipped to [0, 1].
        format_name: PIL's name, from :func:`picture_format`.
        quality: Of JPEG and lossy WebP, 1..100.
    """
    picture = fit_to_format(picture, format_name)
    channels = picture.rgb.mean(axis=2, keepdims=True) if picture.gray else picture.rgb
    if picture.alpha is not None:
        channels = np.concatenate([channels, picture.alpha[..., None]], axis=2)
    channels = channels.clip(0, 1)
    if channels.shape[2] == 1:
        channels = channels[..., 0]
    if picture.bits == 16:
        return _encode_16_bits(channels, picture, format_name)
    image = Image.fromarray((channels * 255 + 0.5).astype(np.uint8))  # L, LA, RGB or RGBA by its shape
    options: dict[str, object] = {"quality": quality} if format_name in ("JPEG", "WEBP") else {}
    if format_name == "JPEG":
        options["subsampling"] = 0  # coloured text on coloured ground suffers most from halved chroma
    if picture.icc_profile:
        options["icc_profile"] = picture.icc_profile
    if picture.dpi:
        options["dpi"] = picture.dpi
    buffer = io.BytesIO()
    image.save(buffer, format_name, **options)
    return buffer.getvalue()
