"""Writes pictures as the kind of file they came from: alpha, 16 bit, grey, ICC profile, DPI, EXIF."""

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from glyphsr.errors import ConfigError, PictureError
from glyphsr.images.exif import DATE_TIME, MAKE, MODEL, SOFTWARE, signed
from glyphsr.images.formats import SUFFIXES
from glyphsr.images.reader import Picture

WITH_ALPHA = {"PNG", "WEBP", "TIFF"}
WITH_16_BITS = {"PNG", "TIFF"}

BAND = 256
"""Rows."""

Level = TypeVar("Level", np.uint8, np.uint16)

MAX_SIDE = {"WEBP": 16_383, "JPEG": 65_500}
"""Greatest width and height of formats that have one."""


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
        rgb = picture.rgb if picture.alpha.min() == 1 else picture.rgb * alpha + (1 - alpha)
        picture = replace(picture, rgb=rgb, alpha=None)
    if picture.bits == 16 and format_name not in WITH_16_BITS:
        picture = replace(picture, bits=8)
    return picture


def _encode_16_bit_png(values: NDArray[np.uint16], picture: Picture, exif: Image.Exif) -> bytes:
    """``(H, W, 1..4)`` as PNG with profile and resolution; neither PIL nor cv2 writes all of this."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    height, width, channels = values.shape
    colour_type = {1: 0, 2: 4, 3: 2, 4: 6}[channels]

    # What describes the picture stands before its pixels.
    chunks = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, colour_type, 0, 0, 0))
    if picture.icc_profile:
        chunks += chunk(b"iCCP", b"ICC Profile\0\0" + zlib.compress(picture.icc_profile))
    if picture.dpi:
        per_metre = [min(round(value / 0.0254), 2**31 - 1) for value in picture.dpi]
        chunks += chunk(b"pHYs", struct.pack(">IIB", *per_metre, 1))
    if exif:
        chunks += chunk(b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0"))

    # Big-endian rows, as PNG has them.
    rows = values.astype(">u2").reshape(height, -1).view(np.uint8)
    filtered = np.pad(rows, ((0, 0), (1, 0)))  # filter type 0 before each row
    chunks += chunk(b"IDAT", zlib.compress(filtered.tobytes()))
    return b"\x89PNG\r\n\x1a\n" + chunks + chunk(b"IEND", b"")


def _bands(picture: Picture, most: int, dtype: type[Level]) -> Iterator[NDArray[Level]]:
    """Rows ``(h, W, 1..4)`` of values, clipped to [0, 1], as whole numbers to ``most``.

    A few at a time, since photographs are large.
    """
    for first in range(0, len(picture.rgb), BAND):
        rows = slice(first, first + BAND)
        colour = picture.rgb[rows].mean(axis=2, keepdims=True) if picture.gray else picture.rgb[rows]
        if picture.alpha is not None:
            colour = np.concatenate([colour, picture.alpha[rows][..., None]], axis=2)
        yield (colour.clip(0, 1) * most + 0.5).astype(dtype)


def _encode_16_bits(picture: Picture, format_name: str, exif: Image.Exif) -> bytes:
    """Channels as PNG or TIFF of 16 bits."""
    values = np.concatenate(list(_bands(picture, 65535, np.uint16)))
    if format_name != "TIFF":
        return _encode_16_bit_png(values, picture, exif)

    import tifffile  # comes with scikit-image; needed for this one format only

    # PIL writes no 16-bit colour, so camera and profile are passed as tags.
    tags: list[tuple[Any, ...]] = [
        (tag, "s", 0, str(exif[tag]), True) for tag in (MAKE, MODEL, DATE_TIME) if tag in exif
    ]
    if picture.icc_profile:
        tags.append((34675, "B", len(picture.icc_profile), picture.icc_profile, True))

    buffer = io.BytesIO()
    tifffile.imwrite(
        buffer,
        values[..., 0] if values.shape[2] == 1 else values,
        photometric="minisblack" if picture.gray else "rgb",
        planarconfig=None if values.shape[2] == 1 else "contig",
        extrasamples=None if picture.alpha is None else ["unassalpha"],
        resolution=picture.dpi,
        resolutionunit="INCH" if picture.dpi else None,
        software=exif.get(SOFTWARE, False),
        metadata=None,
        extratags=tags,
    )
    return buffer.getvalue()


def _encode_8_bits(picture: Picture, format_name: str, *, quality: int, exif: Image.Exif) -> bytes:
    """Channels as a file of 8 bits, by PIL."""
    transparent = picture.alpha is not None
    mode = ("LA" if transparent else "L") if picture.gray else ("RGBA" if transparent else "RGB")
    image = Image.new(mode, (picture.rgb.shape[1], picture.rgb.shape[0]))
    top = 0
    for rows in _bands(picture, 255, np.uint8):
        image.paste(Image.fromarray(rows[..., 0] if mode == "L" else rows), (0, top))
        top += len(rows)

    options: dict[str, object] = {"quality": quality} if format_name in ("JPEG", "WEBP") else {}
    if format_name == "JPEG":
        options["subsampling"] = 0  # coloured text on coloured ground suffers most from halved chroma

    # Colour profile, resolution and camera data go over where the format has room for them.
    if picture.icc_profile:
        options["icc_profile"] = picture.icc_profile
    if picture.dpi:
        options["dpi"] = picture.dpi
    if exif and format_name != "BMP":
        options["exif"] = exif

    buffer = io.BytesIO()
    image.save(buffer, format_name, **options)
    return buffer.getvalue()


def encode_picture(picture: Picture, format_name: str, *, quality: int = 95, mark: str | None = None) -> bytes:
    """A picture as the content of a file.

    Args:
        picture: What to write; values are clipped to [0, 1].
        format_name: PIL's name, from :func:`picture_format`.
        quality: Of JPEG and lossy WebP, 1..100.
        mark: What is written after the name of this program as the file's software; BMP has no place for it.

    Raises:
        PictureError: If the format cannot hold the picture.
    """
    picture = fit_to_format(picture, format_name)
    height, width = picture.rgb.shape[:2]
    if max(height, width) > MAX_SIDE.get(format_name, max(height, width)):
        raise PictureError(
            f"{width} x {height} pixels; {format_name} takes at most {MAX_SIDE[format_name]} a side, use --ext png"
        )

    exif = signed(picture.exif, mark)
    try:
        if picture.bits == 16:
            return _encode_16_bits(picture, format_name, exif)
        return _encode_8_bits(picture, format_name, quality=quality, exif=exif)
    except (OSError, ValueError, struct.error, OverflowError) as error:
        raise PictureError(f"cannot be written as {format_name}: {error}") from error
