"""Reads picture files of any kind: alpha, 16 and 32 bit, grey, EXIF, ICC profile, DPI, pages, files that were cut."""

import io
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from glyphsr.errors import PictureError
from glyphsr.images.cut_files import mend
from glyphsr.images.documents import is_pdf, render_page
from glyphsr.images.exif import ORIENTATION, read_exif
from glyphsr.images.pil_pixels import rgb_of
from glyphsr.images.tiff import BEGINNINGS, by_range, open_tiff, read_tiff
from glyphsr.safe_reading.content import read_content
from glyphsr.safe_reading.libtiff import libtiff_complaints
from glyphsr.safe_reading.limits import PICTURE_BYTES, PICTURE_PIXELS
from glyphsr.safe_reading.picture_header import check_picture, check_png_chunks

_TURNED = (5, 6, 7, 8)
"""EXIF orientations that swap width and height."""

COUNTED_BYTES = 1 << 22
"""Size of a file up to which its frames are counted."""

TRANSPARENT, DEEP = 4, 2
"""Pixels that one of a picture with transparency, or with more than 8 bits, counts as: what is made of it in between
takes so much more memory."""

HURT = "the file is damaged: parts of the picture may be wrong"

CUT = ("truncated", "broken PNG file", "broken data stream", "unrecognized data stream", "could not create decoder")
"""What PIL says of files that end too early."""

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
    """Frames of the file, 0 for several of a large one; only the first is here. Pages are no frames."""
    exif: bytes | None = None
    """Date, maker and the like, as PIL packs it, without what holds of the file's own pixels only."""
    note: str | None = None
    """What the user should know of the file, such as that it was cut."""

    @property
    def weight(self) -> int:
        """How many pixels one of its own counts as where memory is limited."""
        if self.alpha is not None and self.alpha.min() < 1:
            return TRANSPARENT
        return DEEP if self.bits > 8 else 1


def _is_wide(image: Image.Image, encoded: bytes) -> bool:
    """Whether there are more than 8 bits a channel."""
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        return True
    if image.format == "PNG":
        return len(encoded) > 24 and encoded[24] == 16  # bit depth in the IHDR chunk
    if image.format == "TIFF":
        bits = getattr(image, "tag_v2", {}).get(258, (8,))
        return bool(max(bits) > 8)
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

    # cv2 has blue first.
    if values.shape[2] >= 3:
        return values[..., [2, 1, 0, 3][: values.shape[2]]]

    # One level of grey may stand for clear.
    key = image.info.get("transparency")
    if isinstance(key, int):
        opaque = (np.round(values * 65535) != key).astype(np.float32)
        return np.concatenate([values, opaque], axis=2)

    return values


def _split(values: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32] | None, bool]:
    """``(H, W, 1..4)`` into colour ``(H, W, 3)``, alpha ``(H, W)`` and whether it was grey."""
    gray = values.shape[2] < 3
    colour = np.repeat(values[..., :1], 3, axis=2) if gray else values[..., :3]
    alpha = values[..., -1] if values.shape[2] in (2, 4) else None
    return np.ascontiguousarray(colour), alpha, gray


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


def _decode_tiff_unknown_to_pil(encoded: bytes, where: str, page: int) -> Picture:
    """Layouts that PIL does not list, such as 16-bit grey with alpha, or floats in colour."""
    PICTURE_BYTES.check(len(encoded), where, PictureError)

    with open_tiff(encoded) as file:
        found = file.pages[page - 1]
        _check_weight(DEEP, (found.imagelength, found.imagewidth), where)
        bits = 8 if found.dtype.itemsize == 1 else 16
        tags = {number: found.tags[number].value for number in (274, 282, 283, 34675) if number in found.tags}

    orientation = int(tags.get(ORIENTATION, 1))
    dpi = tuple(tags[n][0] / tags[n][1] for n in (282, 283)) if 282 in tags and 283 in tags else None
    # A quarter turn exchanges both resolutions.
    if dpi and orientation in _TURNED:
        dpi = dpi[::-1]

    values = read_tiff(encoded, page - 1, pixel_limit=PICTURE_PIXELS.value)
    colour, alpha, gray = _split(_upright(values, orientation))
    profile = bytes(tags[34675]) if 34675 in tags else None

    return Picture(colour, alpha, gray=gray, bits=bits, icc_profile=profile, dpi=dpi)


def _count_frames(image: Image.Image, size: int) -> int:
    """Frames of an animation; 0 for several of a large file, where each would have to be looked for."""
    if image.format in ("TIFF", "MPO") or not getattr(image, "is_animated", False):
        return 1  # a TIFF's are pages; what a phone's JPEG has after it is a depth map or a thumbnail
    return int(getattr(image, "n_frames", 0)) if size <= COUNTED_BYTES else 0


def _decode(encoded: bytes, where: str, page: int) -> Picture:
    if is_pdf(encoded):
        rgb, resolution = render_page(encoded, page, where)
        return Picture(rgb, dpi=(resolution, resolution))

    try:
        # The header is judged before any pixel is unpacked.
        declared = check_picture(encoded, where, PictureError)
    except PictureError as error:
        if encoded[:4] in BEGINNINGS and isinstance(error.__cause__, UnidentifiedImageError):
            return _decode_tiff_unknown_to_pil(encoded, where, page)
        raise

    try:
        # libtiff continues after errors and only prints them.
        with libtiff_complaints() as complaints:
            picture = _decode_by_pil(encoded, declared.format, where, page)
        return replace(picture, note=HURT) if complaints else picture
    except (OSError, SyntaxError) as error:
        # A file that was cut is read once more, with an end of its own.
        mended = mend(encoded, declared.format) if any(sign in str(error) for sign in CUT) else None
        if mended is None:
            raise

        whole, note = mended
        return replace(_decode_by_pil(whole, declared.format, where, page), note=note)


def _decode_by_pil(encoded: bytes, format_name: str, where: str, page: int) -> Picture:
    image: Image.Image = Image.open(io.BytesIO(encoded), formats=(format_name,))

    if page > 1:
        image.seek(page - 1)
    PICTURE_PIXELS.check(image.width * image.height, where, PictureError)  # by the decoder's own reading of the header

    # What a result keeps of its picture.
    orientation = int(image.getexif().get(ORIENTATION, 1))
    known: dict[str, Any] = {
        "icc_profile": image.info.get("icc_profile"),
        "dpi": _resolution(image, orientation),
        "num_frames": _count_frames(image, len(encoded)),
        "exif": read_exif(image),
    }

    if _is_wide(image, encoded):
        _check_weight(DEEP, (image.height, image.width), where)
        colour, alpha, gray = _split(_upright(_read_wide(image, encoded, page), orientation))
        return Picture(colour, alpha, gray=gray, bits=16, **known)

    image.load()
    image = ImageOps.exif_transpose(image)
    if image.mode in ("CMYK", "YCbCr", "LAB"):
        image, known["icc_profile"] = _to_srgb(image)

    transparent = image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info
    gray = image.mode in ("1", "L", "LA", "La")

    if not transparent:
        return Picture(rgb_of(image), gray=gray, **known)

    image = image if image.mode == "RGBA" else image.convert("RGBA")
    size = (image.height, image.width)
    if image.getchannel("A").getextrema() == (255, 255):  # as screenshots are
        return Picture(rgb_of(image), opaque(size), gray=gray, **known)
    _check_weight(TRANSPARENT, size, where)
    alpha = np.asarray(image.getchannel("A"), np.float32) / np.float32(255)
    return Picture(rgb_of(image), alpha, gray=gray, **known)


def opaque(size: tuple[int, int]) -> NDArray[np.float32]:
    """``(H, W)`` ones that take no memory, and are not to be written to."""
    return np.broadcast_to(np.float32(1), size)


def _check_weight(weight: int, size: tuple[int, int], where: str) -> None:
    """Refuse a picture whose way through the program takes more memory than that of a plain one of the limit's size."""
    pixels, limit = size[0] * size[1], PICTURE_PIXELS.value
    if weight * pixels > limit:
        raise PictureError(
            f"{where}: {pixels:,} pixels with transparency or more than 8 bits, each of which counts as {weight}; "
            f"at most {limit // weight:,} ({PICTURE_PIXELS.variable} sets the limit); crop the text first"
        )


def _resolution(image: Image.Image, orientation: int) -> tuple[float, float] | None:
    resolution = image.info.get("dpi")
    dpi = (float(resolution[0]), float(resolution[1])) if resolution and min(resolution) > 0 else None
    return dpi[::-1] if dpi and orientation in _TURNED else dpi


def _read_wide(image: Image.Image, encoded: bytes, page: int) -> NDArray[np.float32]:
    """``(H, W, C)`` in [0, 1] of more than 8 bits."""
    if image.format == "PNG":
        return _read_16_bit_png(encoded, image)
    if image.format == "TIFF":
        try:
            return read_tiff(encoded, page - 1, pixel_limit=PICTURE_PIXELS.value)
        except ValueError:
            if image.mode in ("RGB", "RGBA", "CMYK"):  # which PIL would cut down to 8 bits
                raise
    image.load()

    values = np.asarray(image)
    return by_range(values.astype(np.uint16) if image.mode.startswith("I;16") else values)[..., None]


def decode_picture(encoded: bytes, where: str, *, page: int = 1) -> Picture:
    """Picture file content to a :class:`Picture`.

    Args:
        encoded: The whole file; PDF pages are rendered.
        where: Its name, for messages.
        page: Of a PDF or TIFF, from 1.

    Raises:
        PictureError: If it is empty, no picture, damaged or too large.
    """
    if not encoded:
        raise PictureError(f"{where}: the file is empty")

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PIL warns of sizes that check_picture judges
            return _decode(encoded, where, page)
    except PictureError:
        raise
    except EOFError as error:
        raise PictureError(f"{where}: has no page {page}") from error
    except Exception as error:  # decoders of damaged files raise almost anything
        reason = str(error).splitlines()[0] if str(error) else "cannot decode"
        if reason.startswith("decoder error"):  # PIL's number of it says nothing
            reason = "its pixels cannot be unpacked"
        raise PictureError(f"{where}: damaged picture: {reason}") from error


def read_picture(path: Path, *, page: int = 1) -> Picture:
    """Read a picture file.

    Args:
        path: Of a picture or PDF.
        page: Of a PDF or TIFF, from 1.

    Raises:
        PictureError: If it is missing, unreadable, empty, no picture, damaged or too large.
    """
    return decode_picture(read_content(path, PICTURE_BYTES, PictureError), str(path), page=page)
