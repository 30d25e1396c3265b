"""Rows of captioned pictures: what every view is made of, and the sheet that shows them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from glyphsr.text.diff import Mark

SHEET_WIDTH = 1200
"""Pixels; sheets stay legible where a browser or a page shows them whole."""

MIN_CELL, MIN_DRAWING = 180, 360
"""Least width of a cell; where a row has more panels than fit, it continues below."""

MAX_HEIGHT = 96
"""Of a word's picture in a cell."""

GAP, LINE, TITLE = 10, 18, 26
PAPER, INK, FAINT, RULE = (255, 255, 255), (45, 45, 45), (120, 120, 120), (222, 222, 222)
COLOURS = {True: (22, 120, 60), False: (196, 30, 40), None: FAINT}


@dataclass(frozen=True, eq=False)
class Panel:
    """One picture."""

    caption: str
    image: NDArray[np.uint8]
    """``(H, W, 3)`` uint8 RGB."""
    readings: tuple[tuple[str, tuple[Mark, ...]], ...] = ()
    """Who reads it, and what."""
    is_smooth: bool = False
    """Whether it is a drawing, which may be scaled smoothly; else its pixels are kept visible."""


@dataclass(frozen=True, eq=False)
class Row:
    """One word, or one drawing."""

    title: str
    panels: tuple[Panel, ...]
    subset: str = ""
    outcome: str = ""
    """What became of it, in a word or two; rows can be filtered by it."""
    slider: tuple[int, int] | None = None
    """Places of the two panels, before and after, that a page lays over each other."""


def panel_sheet(rows: Sequence[Row], *, width: int = SHEET_WIDTH) -> NDArray[np.uint8]:
    """All rows below each other.

    Args:
        rows: At least one.
        width: Of the sheet in pixels.

    Returns:
        ``(H, width, 3)`` uint8.
    """
    drawn = [_draw_row(row, width) for row in rows]
    return np.concatenate([np.asarray(image) for image in drawn])


def _draw_row(row: Row, width: int) -> Image.Image:
    # As many cells side by side as keep a legible width; the rest of the row continues below.
    least = MIN_DRAWING if all(panel.is_smooth for panel in row.panels) else MIN_CELL
    per_line = max(1, min(len(row.panels), (width - GAP) // (least + GAP)))
    cell = (width - GAP) // per_line - GAP

    lines = [row.panels[i : i + per_line] for i in range(0, len(row.panels), per_line)]
    fitted = [[_fit(panel, cell) for panel in line] for line in lines]
    # A line of the row is as high as its highest picture and its longest list of readings.
    heights = [
        max(image.height for image in images) + LINE * (1 + max(len(panel.readings) for panel in line)) + GAP
        for line, images in zip(lines, fitted, strict=True)
    ]
    # Head: the title on the left, subset and outcome on the right.
    sheet = Image.new("RGB", (width, TITLE + sum(heights) + GAP), PAPER)
    draw = ImageDraw.Draw(sheet)
    _write(draw, (GAP, 6), row.title, INK, _font(14), width // 2)
    side = " · ".join(filter(None, (row.subset, row.outcome)))
    font = _font(13)
    room = width // 2 - 2 * GAP
    _write(draw, (width - GAP - math.ceil(min(font.getlength(side), room)), 7), side, FAINT, font, room)

    top = TITLE
    for line, images, height in zip(lines, fitted, heights, strict=True):
        for column, (panel, image) in enumerate(zip(line, images, strict=True)):
            left = GAP + column * (cell + GAP)
            sheet.paste(image, (left, top))
            below = top + image.height + 2
            _write(draw, (left, below), panel.caption, FAINT, font, cell)
            for number, (who, marks) in enumerate(panel.readings):
                _write_marks(draw, (left, below + LINE * (number + 1)), who, marks, cell)
        top += height

    draw.line((0, sheet.height - 1, width, sheet.height - 1), RULE)
    return sheet


def _fit(panel: Panel, cell: int) -> Image.Image:
    height, width = panel.image.shape[:2]
    scale = min(cell / width, (10_000 if panel.is_smooth else MAX_HEIGHT) / height)
    if panel.is_smooth:
        scale = min(scale, 1.0)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    # Enlarged pixels stay squares: what the network saw, not what a filter makes of it.
    enlarging = Image.Resampling.NEAREST if scale > 1 else Image.Resampling.LANCZOS
    return Image.fromarray(panel.image).resize(size, enlarging)


def _font(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont)
    return font


def _write(
    draw: ImageDraw.ImageDraw,
    place: tuple[int, int],
    text: str,
    colour: tuple[int, int, int],
    font: ImageFont.FreeTypeFont,
    room: int,
) -> None:
    line = " ".join(text.split())
    while len(line) > 1 and font.getlength(line) > room:
        line = line[:-2].rstrip("…") + "…"
    draw.text(place, line, colour, font=font)


def _write_marks(draw: ImageDraw.ImageDraw, place: tuple[int, int], who: str, marks: Sequence[Mark], room: int) -> None:
    font = _font(14)
    left, top = place
    end = left + room
    for text, colour in ((f"{who}: " if who else "", FAINT), *((mark.text, COLOURS[mark.right]) for mark in marks)):
        _write(draw, (left, top), text, colour, font, max(10, end - left))
        left += round(font.getlength(text))
        if left >= end:
            return
    if not marks:
        draw.text((left, top), "nothing", COLOURS[None], font=font)
