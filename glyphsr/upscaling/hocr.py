"""What was read where, as the hOCR of OCR programs (version 1.2), from which PDFs with a text layer are made."""

from collections.abc import Iterator, Sequence
from xml.etree import ElementTree as ET

import numpy as np
from numpy.typing import NDArray

from glyphsr.text.controls import show_controls
from glyphsr.upscaling.report import PictureReport, RegionReport, UpscaleRun, displayed_text

NAMESPACE = "http://www.w3.org/1999/xhtml"

Points = NDArray[np.float64]
"""``(n, 2)``: x and y in the output's pixels."""


def render_hocr(run: UpscaleRun) -> str:
    """Lines and words of every finished picture, in the outputs' pixels.

    Words are not located one by one: each takes the part of its line that its characters take of the line's text.
    """
    html = ET.Element("html", xmlns=NAMESPACE)
    head = ET.SubElement(html, "head")
    ET.SubElement(head, "title").text = ""
    ET.SubElement(head, "meta", name="ocr-system", content="glyphsr")
    ET.SubElement(head, "meta", name="ocr-capabilities", content="ocr_page ocr_line ocrx_word")

    body = ET.SubElement(html, "body")
    finished = (picture for picture in run.pictures if picture.status == "done")
    for number, picture in enumerate(finished, 1):
        _add_page(body, picture, number)

    ET.indent(html, " ")
    return ET.tostring(html, encoding="unicode", xml_declaration=True, short_empty_elements=False) + "\n"


def _add_page(body: ET.Element, picture: PictureReport, number: int) -> None:
    width, height = picture.output_width or 0, picture.output_height or 0
    # Readers of hOCR part properties at semicolons and end names at quotes.
    name = show_controls(picture.output or "stdout").replace('"', "%22").replace(";", "%3B")
    title = f'image "{name}"; bbox 0 0 {width} {height}; ppageno {number - 1}'
    page = ET.SubElement(body, "div", {"class": "ocr_page", "id": f"page_{number}", "title": title})

    # From the input's pixels to the output's.
    own = (picture.width or 1, picture.height or 1)
    scale = np.array([width / own[0], height / own[1]])
    # A line picture is its only line.
    parts: Sequence[RegionReport | PictureReport] = (picture,) if picture.regions is None else picture.regions
    for i, part in enumerate(parts, 1):
        corners = part.box if isinstance(part, RegionReport) else [[0, 0], [own[0], 0], list(own), [0, own[1]]]
        _add_line(page, part, np.asarray(corners, float) * scale, (width, height), f"{number}_{i}")


def _add_line(
    page: ET.Element, part: RegionReport | PictureReport, quad: Points, size: tuple[int, int], identity: str
) -> None:
    text, confidence = displayed_text(part)
    sure = "" if confidence is None else f"; x_wconf {100 * confidence:.0f}"
    line = ET.SubElement(
        page, "span", {"class": "ocr_line", "id": f"line_{identity}", "title": _bbox(quad, size) + sure}
    )

    for i, (word, points) in enumerate(word_parts(show_controls(text), quad), 1):
        names = {"class": "ocrx_word", "id": f"word_{identity}_{i}", "title": _bbox(points, size) + sure}
        ET.SubElement(line, "span", names).text = word


def word_parts(text: str, quad: Points) -> Iterator[tuple[str, Points]]:
    """Each word and the part of the line's quadrilateral that it takes, corners in the same order.

    Example:
        >>> box = np.array([[0, 0], [100, 0], [100, 10], [0, 10]], float)
        >>> for word, part in word_parts("exit to", box):
        ...     word, [round(float(x)) for x in part[:2, 0]]
        ('exit', [0, 57])
        ('to', [71, 100])
    """
    upper_left, upper_right, lower_right, lower_left = quad
    start = 0
    for word in text.split():
        start = text.index(word, start)
        first, last = start / len(text), (start + len(word)) / len(text)
        start += len(word)
        # Letters are taken to be of equal width.
        top = [upper_left + part * (upper_right - upper_left) for part in (first, last)]
        bottom = [lower_left + part * (lower_right - lower_left) for part in (last, first)]
        yield word, np.stack([*top, *bottom])


def _bbox(points: Points, size: tuple[int, int]) -> str:
    """The upright box around some points, within the picture."""
    inside = points.clip(0, size)
    (left, top), (right, bottom) = inside.min(axis=0), inside.max(axis=0)
    return f"bbox {left:.0f} {top:.0f} {right:.0f} {bottom:.0f}"
