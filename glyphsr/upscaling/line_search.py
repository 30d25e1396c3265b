"""Tells pictures that are one line of text from pages, and finds the lines of pages."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.util import find_spec
from typing import Literal

from glyphsr.errors import ConfigError, DataError
from glyphsr.images.resize import FloatImage
from glyphsr.images.text_boxes import TextBox
from glyphsr.upscaling.pages import LINE_HEIGHT, PageUpscaler, is_page

Mode = Literal["auto", "line", "page"]
"""One line of text, a page in which lines are found, or whichever the picture is."""


def can_detect() -> bool:
    """Whether rapidocr is installed, whose detector finds lines."""
    return find_spec("rapidocr") is not None and find_spec("onnxruntime") is not None


def check_mode(mode: Mode, *, has_boxes: bool) -> None:
    """Refuse a page whose lines nobody names or finds.

    Raises:
        ConfigError: If the detector is not installed.
    """
    if mode == "page" and not has_boxes and not can_detect():
        raise ConfigError("--mode page: lines are found by rapidocr; pip install rapidocr onnxruntime, or give --boxes")


def find_lines(
    rgb: FloatImage,
    pages: PageUpscaler,
    *,
    mode: Mode,
    text: str | None = None,
    given: Callable[[], Sequence[TextBox]] | None = None,
) -> list[TextBox] | None:
    """The lines of a picture that is a page; ``None`` for one that is a line itself.

    Args:
        rgb: ``(H, W, 3)`` float32 in [0, 1].
        pages: Finds lines, and knows which of them can be helped.
        mode: As asked for.
        text: What the picture says, where that is known; the text of its line, where it has one.
        given: Reads the boxes that were named, where they were.

    Raises:
        DataError: If the boxes cannot be read, or the detector fails in mode ``page``.
    """
    if mode == "line":
        return None
    if given is not None:
        return _with_text(given(), text)

    if mode == "page":
        return _with_text(pages.find(rgb), text)
    # `auto`: low pictures are lines, which spares the detector.
    if min(rgb.shape[:2]) <= LINE_HEIGHT or not can_detect():
        return None

    try:
        found = pages.find(rgb)
    except (ConfigError, DataError):  # then it is a line, as where there is no detector
        return None

    size = (rgb.shape[0], rgb.shape[1])
    # A page of which no line could be helped is better taken as the line that it may be.
    helped = any(pages.left_alone(box.quad, size) is None for box in found)
    return _with_text(found, text) if helped and is_page(found, size) else None


def _with_text(boxes: Sequence[TextBox], text: str | None) -> list[TextBox]:
    if text and len(boxes) == 1:
        return [replace(boxes[0], text=boxes[0].text or text)]
    return list(boxes)
