"""Files of several pages: PDF, which is rendered page by page, and TIFF."""

import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from glyphsr.errors import ConfigError, PictureError
from glyphsr.images.pil_pixels import rgb_of
from glyphsr.images.tiff import BEGINNINGS
from glyphsr.safe_reading.content import read_content
from glyphsr.safe_reading.limits import PAGES, PICTURE_BYTES, PICTURE_PIXELS

PDF_BEGINNING = b"%PDF-"

RENDERED_DPI = 150.0
"""Of pages that are drawn; one that is a scan is rendered in the scan's own resolution."""

SCAN_DPI = (50.0, 600.0)
"""Resolutions that are believed."""

SCAN_FRACTION = 0.5
"""Fraction of a page from which a picture on it is the page's scan."""

BIG_TIFF = 43
"""Version of TIFF whose places have 8 bytes."""

POINTS = 72.0
"""An inch."""

_pdfium = threading.Lock()  # which takes one call at a time


def is_pdf(encoded: bytes) -> bool:
    """Whether a file's beginning is that of a PDF; some have a few bytes before it."""
    return PDF_BEGINNING in encoded[:1024]


@contextmanager
def _opened(encoded: bytes, where: str) -> Iterator[Any]:
    if find_spec("pypdfium2") is None:
        raise PictureError(f"{where}: a PDF, which pypdfium2 reads; pip install 'glyphsr[formats]'")
    import pypdfium2

    # Held as long as the document is open, since pdfium takes one call at a time.
    with _pdfium:
        try:
            document = pypdfium2.PdfDocument(encoded)
        except pypdfium2.PdfiumError as error:
            locked = "password" in str(error).lower()
            raise PictureError(f"{where}: {'needs a password' if locked else f'damaged PDF: {error}'}") from error
        try:
            yield document
        except pypdfium2.PdfiumError as error:
            raise PictureError(f"{where}: damaged PDF: {error}") from error
        finally:
            document.close()


def count_pages(path: Path) -> int:
    """Pages of a PDF or TIFF; 1 of all other files, and of those that cannot be read, which reading will say.

    Raises:
        PictureError: If there are more than :data:`~glyphsr.safe_reading.limits.PAGES`, or a PDF cannot be opened.
    """
    suffix = path.suffix.lower()

    if suffix == ".pdf":
        content = read_content(path, PICTURE_BYTES, PictureError)
        with _opened(content, str(path)) as document:
            pages = len(document)
    elif suffix in (".tif", ".tiff"):
        pages = _count_tiff_pages(path)
    else:
        return 1

    PAGES.check(pages, path, PictureError)
    return pages


def _count_tiff_pages(path: Path) -> int:
    """Length of the chain of directories, followed no further than one beyond the limit; PIL takes hours of long ones.

    The lengths of directories and links are 2 and 4 bytes, 8 and 8 in files of more than 4 GB.
    """
    try:
        content = read_content(path, PICTURE_BYTES, PictureError)
    except PictureError:
        return 1
    if content[:4] not in BEGINNINGS:
        return 1
    order: Literal["little", "big"] = "big" if content[:2] == b"MM" else "little"

    def number(place: int, size: int) -> int:
        return int.from_bytes(content[place : place + size], order)

    # Sizes of the count, of an entry and of the link to the next directory.
    is_big = number(2, 2) == BIG_TIFF
    count_bytes, entry_bytes, link_bytes = (8, 20, 8) if is_big else (2, 12, 4)
    place, pages, seen = number(8, 8) if is_big else number(4, 4), 0, set[int]()
    while 0 < place < len(content) and place not in seen and pages <= PAGES.value:
        # A link to an earlier directory would be a ring.
        seen.add(place)
        pages += 1
        place += count_bytes + entry_bytes * number(place, count_bytes)
        place = number(place, link_bytes)
    return max(1, pages)


def parse_pages(text: str | None, pages: int, where: str) -> list[int]:
    """The pages that are asked for, counted from 1.

    Args:
        text: Such as ``1,3-5,8-``; ``None`` for all.
        pages: How many there are.
        where: Names the file in messages.

    Raises:
        ConfigError: If it is no such text.
        PictureError: If the file has no such page.

    Example:
        >>> parse_pages("1,3-4,6-", 7, "a.pdf"), parse_pages(None, 2, "a.pdf")
        ([1, 3, 4, 6, 7], [1, 2])
    """
    if text is None:
        return list(range(1, pages + 1))

    chosen: list[int] = []

    for part in text.split(","):
        # "3", "1-3", or "8-" up to the last page.
        first, dash, last = part.strip().partition("-")
        ends = (first, last or (str(pages) if dash else first))

        if not all(end.isascii() and end.isdecimal() and 0 < len(end) < 10 for end in ends) or int(first) < 1:
            raise ConfigError(f"--pages {text}: expected numbers and ranges, e.g. 1,3-5,8-")

        if int(first) > pages or int(ends[1]) > pages:
            raise PictureError(f"{where}: has {pages} pages, and --pages asks for {part.strip()}")

        if int(ends[1]) < int(first):
            raise ConfigError(f"--pages {text}: {part.strip()} ends before it begins")

        chosen += range(int(first), int(ends[1]) + 1)
    return list(dict.fromkeys(chosen))


def render_page(encoded: bytes, page: int, where: str) -> tuple[NDArray[np.float32], float]:
    """A page of a PDF on white, and its resolution in pixels per inch.

    Args:
        encoded: The whole file.
        page: Counted from 1.
        where: Names the file in messages.

    Returns:
        ``(H, W, 3)`` in [0, 1].

    Raises:
        PictureError: If it cannot be read, has no such page, or the page is too large.
    """
    with _opened(encoded, where) as document:
        if page > len(document):
            raise PictureError(f"{where}: has {len(document)} pages, and page {page} is asked for")

        sheet = document[page - 1]
        width, height = sheet.get_size()
        dpi = _scan_dpi(sheet, width * height) or RENDERED_DPI
        pixels = math.ceil(width * dpi / POINTS) * math.ceil(height * dpi / POINTS)

        PICTURE_PIXELS.check(pixels, where, PictureError)
        # pdfium rounds up; a hair less, and a scan keeps the pixels that it has.
        bitmap = sheet.render(scale=dpi / POINTS * (1 - 1e-5))
        return rgb_of(bitmap.to_pil()), dpi


def _scan_dpi(sheet: Any, area: float) -> float | None:
    """Resolution of the picture that is most of a page."""
    import pypdfium2.raw as raw

    # The greatest picture wins, if it is most of the page.
    best, found = SCAN_FRACTION * area, None
    for picture in sheet.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE], max_depth=3):
        left, bottom, right, top = picture.get_bounds()
        if (right - left) * (top - bottom) >= best:
            best = (right - left) * (top - bottom)

            across, down = picture.get_px_size()
            # Of a picture that lies on its side, the long sides belong together.
            sides = sorted((across, down)), sorted((right - left, top - bottom))
            found = POINTS * max(pixels / points for pixels, points in zip(*sides, strict=True))

    return found if found is not None and SCAN_DPI[0] <= found <= SCAN_DPI[1] else None
