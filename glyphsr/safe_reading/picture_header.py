"""What a picture file declares, read before any of its pixels are decoded."""

import io
import struct
import warnings
from dataclasses import dataclass

from glyphsr.errors import GlyphSRError
from glyphsr.safe_reading.libtiff import libtiff_complaints
from glyphsr.safe_reading.limits import PICTURE_BYTES, PICTURE_PIXELS

FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF", "PPM", "AVIF")
"""PIL's names of what it reads for us; others run programs (EPS) or are decoded by code that few look at."""

HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
AVIF_BRANDS = (b"avif", b"avis")

SCANS = 16
"""Passes over a picture of the greatest size that a progressive JPEG may ask for; a smaller one may ask for more."""

_SIZE_MARKERS = {0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF}
_BARE_MARKERS = {0x01, *range(0xD0, 0xDA)}


@dataclass(frozen=True)
class Declared:
    """A picture by its header."""

    format: str
    """PIL's name."""
    width: int
    height: int


def _png(encoded: bytes) -> tuple[int, int]:
    if encoded[12:16] != b"IHDR":
        raise ValueError("no IHDR")
    width, height = struct.unpack_from(">II", encoded, 16)
    return width, height


def _jpeg(encoded: bytes) -> tuple[int, int]:
    place = 2
    while True:
        # From marker to marker, each but the bare ones with its length after it.
        place = encoded.index(b"\xff", place)
        while encoded[place] == 0xFF:
            place += 1
        marker = encoded[place]
        if marker in _SIZE_MARKERS:
            height, width = struct.unpack_from(">HH", encoded, place + 4)
            return width, height
        if marker == 0xDA:
            raise ValueError("pixels before their size")
        place += 1 if marker in _BARE_MARKERS or not marker else 1 + struct.unpack_from(">H", encoded, place + 1)[0]


def _webp(encoded: bytes) -> tuple[int, int]:
    # Extended, lossless and lossy files have their size in three places.
    kind = encoded[12:16]
    if kind == b"VP8X":
        return int.from_bytes(encoded[24:27], "little") + 1, int.from_bytes(encoded[27:30], "little") + 1
    if kind == b"VP8L":
        bits = struct.unpack_from("<I", encoded, 21)[0]
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    width, height = struct.unpack_from("<HH", encoded, 26)
    return width & 0x3FFF, height & 0x3FFF


def _by_pil(encoded: bytes, *formats: str) -> tuple[str, int, int]:
    from PIL import Image

    with warnings.catch_warnings(), libtiff_complaints():
        warnings.simplefilter("ignore")  # of sizes that are judged here
        with Image.open(io.BytesIO(encoded), formats=formats) as image:
            return str(image.format), image.width, image.height


def _heif(encoded: bytes) -> tuple[str, int, int]:
    try:
        import pillow_heif
    except ImportError as problem:
        raise _MissingReaderError(
            "a HEIC picture, which pillow-heif reads; pip install 'glyphsr[formats]'"
        ) from problem
    pillow_heif.register_heif_opener()
    return _by_pil(encoded, "HEIF")


class _MissingReaderError(Exception):
    """A kind of picture whose reader is not installed."""


def _declared(encoded: bytes) -> Declared:
    if encoded.startswith(b"\x89PNG\r\n\x1a\n"):
        return Declared("PNG", *_png(encoded))
    if encoded.startswith(b"\xff\xd8\xff"):
        return Declared("JPEG", *_jpeg(encoded))
    if encoded.startswith(b"RIFF") and encoded[8:12] == b"WEBP":
        return Declared("WEBP", *_webp(encoded))

    if encoded[4:8] == b"ftyp":
        # Both kinds may begin with the brand of the container; the list after it tells.
        brands = {encoded[8:12], *(encoded[i : i + 4] for i in range(16, min(64, int.from_bytes(encoded[:4])), 4))}
        if not brands.isdisjoint(AVIF_BRANDS):
            return Declared(*_by_pil(encoded, "AVIF"))
        if not brands.isdisjoint(HEIF_BRANDS):
            return Declared(*_heif(encoded))

    return Declared(*_by_pil(encoded, "TIFF", "BMP", "GIF", "PPM"))


def check_png_chunks(encoded: bytes, where: str, error: type[GlyphSRError]) -> None:
    """Refuse a PNG with a part that is longer than the file: OpenCV makes room for what a part says, up to 2 GB.

    Raises:
        GlyphSRError: Of the given class.
    """
    if not encoded.startswith(b"\x89PNG"):
        return

    place = 8
    while place + 8 <= len(encoded):
        (size,) = struct.unpack_from(">I", encoded, place)
        if place + 12 + size > len(encoded):
            kind = encoded[place + 4 : place + 8]
            raise error(f"{where}: not a readable picture ({len(encoded)} bytes): its part {kind!r} is cut off")
        if encoded[place + 4 : place + 8] == b"IEND":
            return
        place += 12 + size


def check_picture(encoded: bytes, where: str, error: type[GlyphSRError]) -> Declared:
    """What a picture declares, if that may be decoded.

    Args:
        encoded: The whole file.
        where: Names it in messages.
        error: Class of what is raised.

    Raises:
        GlyphSRError: Of the given class, if it is no picture that we read, or would take too much memory or time.
    """
    PICTURE_BYTES.check(len(encoded), where, error)

    try:
        found = _declared(encoded)
    except _MissingReaderError as problem:
        raise error(f"{where}: {problem}") from problem
    except Exception as problem:  # readers of damaged headers raise almost anything
        kinds = "PNG, JPEG, WebP, TIFF, BMP, GIF, HEIC, AVIF or PDF"
        raise error(f"{where}: not a readable picture ({len(encoded)} bytes); expected {kinds}") from problem

    pixels = found.width * found.height
    if pixels > PICTURE_PIXELS.value:
        raise error(
            f"{where}: {found.width} x {found.height} pixels; at most {PICTURE_PIXELS.value:,} "
            f"({PICTURE_PIXELS.variable} sets the limit); crop the text first"
        )

    # Every scan of a progressive JPEG costs as much as decoding the whole.
    scans = encoded.count(b"\xff\xda") if found.format == "JPEG" else 1
    if scans * pixels > SCANS * PICTURE_PIXELS.value:
        raise error(f"{where}: a JPEG of {scans} scans; save it again, baseline or with fewer")
    return found
