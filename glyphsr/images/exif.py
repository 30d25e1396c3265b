"""What cameras write beside a picture: date, maker, place; kept without what no longer holds of the result."""

from typing import Any

from PIL import Image

from glyphsr._version import VERSION

MOST_BYTES = 65_000
"""What a JPEG can hold of it."""

DATE_TIME, MAKE, MODEL, SOFTWARE, ORIENTATION = 306, 271, 272, 305, 274
CAMERA_DETAILS, MAKER_NOTE, PIXEL_SIZES = 0x8769, 0x927C, (0xA002, 0xA003)

LAYOUT = {256, 257, 258, 259, 262, 273, 277, 278, 279, 282, 283, 284, 296, 317, 320, 322, 323, 324, 325, 330, 338, 339}
LAYOUT |= {347, 512, 513, 514, 529, 530, 531, 532, 700, 33723, 34377, 34675, 37724}
"""Tags of a TIFF's own pixels, of thumbnails, and of what is kept elsewhere."""


def read_exif(image: Image.Image) -> bytes | None:
    """A picture's EXIF data without orientation, sizes and thumbnail; ``None`` where there is none or it is damaged."""
    try:
        exif = Image.Exif()
        exif.load(image.getexif().tobytes())  # a copy: the picture is still to be turned by its own

        details = exif.get_ifd(CAMERA_DETAILS)

        # Orientation and sizes are of the picture as it was stored, not as it is written.
        for tag in (ORIENTATION, *LAYOUT):
            exif.pop(tag, None)
        for tag in PIXEL_SIZES:
            details.pop(tag, None)

        if not dict(exif) and not details:
            return None
        return _packed(exif, details)
    except Exception:  # readers of damaged data raise almost anything, and the picture itself is whole
        return None


def _packed(exif: Image.Exif, details: dict[int, Any]) -> bytes | None:
    """The data, without the maker's notes where they are too large."""
    content = exif.tobytes()
    if len(content) > MOST_BYTES and MAKER_NOTE in details:
        details.pop(MAKER_NOTE)
        content = exif.tobytes()
    return content if len(content) <= MOST_BYTES else None


def signed(exif: bytes | None, mark: str | None) -> Image.Exif:
    """The data with this program in it, and the mark of its settings.

    Args:
        exif: From :func:`read_exif`.
        mark: What tells the settings; ``None`` for none.
    """
    signature = Image.Exif()
    if exif:
        signature.load(exif)
        signature.get_ifd(CAMERA_DETAILS)
    if mark:
        signature[SOFTWARE] = f"glyphsr {VERSION} ({mark})"
    return signature
