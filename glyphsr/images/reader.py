"""Reads picture files of any kind: alpha, 16 bit, grey, EXIF orientation, ICC profile, DPI."""

import io
import math
import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from glyphsr.errors import PictureError
from glyphsr.safe_reading.content import read_content
from glyphsr.safe_reading.limits import PICTURE_BYTES, PICTURE_PIXELS
from glyphsr.safe_reading.picture_header import FORMATS, check_picture, check_png_chunks

_ORIENTATION = 0x0112
_TURNED = (5, 6, 7, 8)
"""EXIF orientations that swap width and height."""

COUNTED_BYTES = 1 << 22
"""Size of a file up to which its frames are counted."""

TIFF_BEGINNINGS = (b"II*\0", b"MM\0*")

UNPACKED = {1: 0, 8: 1, 32946: 1, 32773: 0}
"""TIFF's numbers of compressions that we unpack: none, Deflate by its two numbers, PackBits; 1 for Deflate."""

cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # a damaged file is one line of ours on stderr


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
    """Frames or pages of the file, 0 for several of a large one; only the first is here."""


def _has_16_bits(image: Image.Image, encoded: bytes) -> bool:
    if image.mode.startswith("I;16"):
        return True
    if image.format == "PNG":
        return len(encoded) > 24 and encoded[24] == 16  # bit depth in the IHDR chunk
    if image.format == "TIFF":
        bits = getattr(image, "tag_v2", {}).get(258, (8,))
        return bool(max(bits) == 16)
    return False


def _read_16_bit_png(encoded: bytes, image: Image.Image) -> NDArray[np.float32]:
    """``(H, W, C)`` in [0, 1], C 1..4; PIL would cut colour down to 8 bits."""
    check_png_chunks(encoded, "16-bit PNG", PictureError)
    array = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION)
    if array is None:
        raise ValueError("cannot decode its 16-bit pixels")
    values = np.asarray(array, np.float32).reshape(*array.shape[:2], -1) / np.float32(65535)
    if encoded[25] == 4:  # grey with alpha, which cv2 spreads over four channels
        return values[..., [0, 3]]
    if values.shape[2] >= 3:
        return values[..., [2, 1, 0, 3][: values.shape[2]]]
    key = image.info.get("transparency")
    if isinstance(key, int):
        opaque = (np.round(values * 65535) != key).astype(np.float32)
        return np.concatenate([values, opaque], axis=2)
    return values


def _read_16_bit_tiff(encoded: bytes) -> NDArray[np.float32]:
    """``(H, W, C)`` in [0, 1], C 1..4: grey or RGB, with alpha where there is one."""
    import tifffile  # comes with scikit-image; needed for this one format only

    with tifffile.TiffFile(io.BytesIO(encoded)) as file:
        page = file.pages.first
        _check_strips(page, encoded)
        values = np.asarray(page.asarray(), np.float32)
        values /= np.float32(65535)
        kind = tifffile.PHOTOMETRIC(page.photometric).name
        planes_first = page.axes.startswith("S")
    if values.ndim == 2:
        values = values[..., None]
    elif planes_first:
        values = values.transpose(1, 2, 0)
    colours = {"MINISBLACK": 1, "MINISWHITE": 1, "RGB": 3, "SEPARATED": 4}.get(kind)
    if colours is None or values.ndim != 3 or values.shape[2] < colours:
        raise ValueError(f"16-bit TIFF of kind {kind}, which is not supported")
    colour, rest = values[..., :colours], values[..., colours : colours + 1]
    if kind == "MINISWHITE":
        colour = 1 - colour
    elif kind == "SEPARATED":
        colour = (1 - colour[..., :3]) * (1 - colour[..., 3:])
    return np.concatenate([colour, rest], axis=2)


def _check_strips(page: Any, encoded: bytes) -> None:
    """Refuse a TIFF whose parts unpack to more than they should hold, which tifffile would let grow without bound."""
    compression = int(page.compression)
    if compression not in UNPACKED:
        raise ValueError(f"16-bit TIFF of compression {compression}, which is not supported")
    part_bytes = 2 * math.prod(page.chunks)
    for pixels in (page.size, len(page.dataoffsets) * part_bytes // 2):  # tiles stand over the edges
        if pixels > 8 * PICTURE_PIXELS.value:
            raise ValueError(f"its parts hold {pixels:,} numbers")
    if UNPACKED[compression]:
        for start, size in zip(page.dataoffsets, page.databytecounts, strict=True):
            unpacker = zlib.decompressobj()
            unpacker.decompress(encoded[start : start + size], part_bytes + 1)
            if unpacker.unconsumed_tail:
                raise ValueError("a part unpacks to more than it should hold")


def _split(values: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32] | None, bool]:
    """``(H, W, 1..4)`` into colour ``(H, W, 3)``, alpha ``(H, W)`` and whether it was grey."""
    gray = values.shape[2] < 3
    colour = np.repeat(values[..., :1], 3, axis=2) if gray else values[..., :3]
    alpha = values[..., -1] if values.shape[2] in (2, 4) else None
    return np.ascontiguousarray(colour), alpha, gray


def _wide_gray(image: Image.Image) -> NDArray[np.float32]:
    """32-bit integers and floats ``(H, W, 1)`` in [0, 1]: the least of 1, 255 and 65535 that holds them is white."""
    values = np.nan_to_num(np.asarray(image, np.float32))
    top = float(values.max(initial=0.0))
    white = 65535.0 if image.mode == "I" else next((w for w in (1.0, 255.0) if top <= w), 65535.0)
    return np.asarray((values / white).clip(0, 1), np.float32)[..., None]


def _upright(array: NDArray[np.float32], orientation: int) -> NDArray[np.float32]:
    """Undo an EXIF orientation (1..8)."""
    if orientation in _TURNED:
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


def _decode_tiff_unknown_to_pil(encoded: bytes, where: str) -> Picture:
    """16-bit layouts that PIL does not list, such as grey with alpha."""
    import tifffile

    PICTURE_BYTES.check(len(encoded), where, PictureError)
    with tifffile.TiffFile(io.BytesIO(encoded)) as file:
        page = file.pages.first
        PICTURE_PIXELS.check(page.imagewidth * page.imagelength, where, PictureError)
        tags = {number: page.tags[number].value for number in (274, 282, 283, 34675) if number in page.tags}
        if page.bitspersample != 16:
            raise ValueError(f"{page.bitspersample}-bit TIFF of a kind that is not supported")
    orientation = int(tags.get(_ORIENTATION, 1))
    dpi = tuple(tags[n][0] / tags[n][1] for n in (282, 283)) if 282 in tags and 283 in tags else None
    if dpi and orientation in _TURNED:
        dpi = dpi[::-1]
    colour, alpha, gray = _split(_upright(_read_16_bit_tiff(encoded), orientation))
    profile = bytes(tags[34675]) if 34675 in tags else None
    return Picture(colour, alpha, gray=gray, bits=16, icc_profile=profile, dpi=dpi)


def _count_frames(image: Image.Image, size: int) -> int:
    """Frames or pages; 0 for several of a large file, where each would have to be looked for."""
    if not getattr(image, "is_animated", False):
        return 1
    return int(getattr(image, "n_frames", 0)) if size <= COUNTED_BYTES else 0


def _decode(encoded: bytes, where: str) -> Picture:
    try:
        check_picture(encoded, where, PictureError)
    except PictureError as error:
        if encoded[:4] in TIFF_BEGINNINGS and isinstance(error.__cause__, UnidentifiedImageError):
            return _decode_tiff_unknown_to_pil(encoded, where)
        raise
    image: Image.Image = Image.open(io.BytesIO(encoded), formats=FORMATS)
    PICTURE_PIXELS.check(image.width * image.height, where, PictureError)  # by the decoder's own reading of the header
    orientation = int(image.getexif().get(_ORIENTATION, 1))
    profile: bytes | None = image.info.get("icc_profile")
    resolution = image.info.get("dpi")
    dpi = (float(resolution[0]), float(resolution[1])) if resolution and min(resolution) > 0 else None
    if dpi and orientation in _TURNED:
        dpi = dpi[::-1]
    frames = _count_frames(image, len(encoded))
    if _has_16_bits(image, encoded):
        wide = _read_16_bit_tiff(encoded) if image.format == "TIFF" else _read_16_bit_png(encoded, image)
        colour, alpha, gray = _split(_upright(wide, orientation))
        return Picture(colour, alpha, gray=gray, bits=16, icc_profile=profile, dpi=dpi, num_frames=frames)
    image.load()
    if image.mode in ("I", "F"):
        colour, alpha, gray = _split(_upright(_wide_gray(image), orientation))
        return Picture(colour, alpha, gray=gray, bits=16, icc_profile=profile, dpi=dpi, num_frames=frames)
    image = ImageOps.exif_transpose(image)
    if image.mode in ("CMYK", "YCbCr", "LAB"):
        image, profile = _to_srgb(image)
    transparent = image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info
    gray = image.mode in ("1", "L", "LA", "La")
    pixels = np.asarray(image.convert("RGBA" if transparent else "RGB"), np.float32)
    pixels /= np.float32(255)
    alpha = pixels[..., 3] if transparent else None
    rgb = np.ascontiguousarray(pixels[..., :3])
    return Picture(rgb, alpha, gray=gray, icc_profile=profile, dpi=dpi, num_frames=frames)


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
            warnings.simplefilter("ignore")  # PIL warns of sizes that check_picture judges
            return _decode(encoded, where)
    except PictureError:
        raise
    except Exception as error:  # decoders of damaged files raise almost anything
        raise PictureError(
            f"{where}: damaged picture: {str(error).splitlines()[0] if str(error) else 'cannot decode'}"
        ) from error


def read_picture(path: Path) -> Picture:
    """Read a picture file.

    Raises:
        PictureError: If it is missing, unreadable, empty, no picture, damaged or too large.
    """
    return decode_picture(read_content(path, PICTURE_BYTES, PictureError), str(path))
