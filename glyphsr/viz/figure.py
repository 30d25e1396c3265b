"""A figure for print: words below each other, methods beside each other, what is read under each picture."""

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from glyphsr.text.diff import Mark
from glyphsr.viz.panels import COLOURS, INK, PAPER, Panel, Row

DPI = 300
"""Dots per inch: of the file's size in print, and of its letters."""

CELL = 480
"""Pixels of a picture's width: 1.6 inches."""

PICTURE, TEXT, GAP, HEAD = 120, 52, 24, 64
LETTER = 34
"""Pixels of a letter's body: 8 points."""


def figure(rows: Sequence[Row]) -> NDArray[np.uint8]:
    """Draw words as rows and their panels as columns, with the first row's captions on top.

    Args:
        rows: At least one; all with panels of the same captions.

    Returns:
        ``(H, W, 3)`` uint8 at 300 dots per inch.
    """
    columns = max(len(row.panels) for row in rows)
    height = HEAD + len(rows) * (PICTURE + TEXT + GAP)

    sheet = Image.new("RGB", (GAP + columns * (CELL + GAP), height), PAPER)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(LETTER)

    # Captions of the row with most panels, since pictures without HR have fewer.
    for column, panel in enumerate(max(rows, key=lambda row: len(row.panels)).panels):
        _centred(draw, panel.caption, GAP + column * (CELL + GAP), GAP // 2, font)

    for number, row in enumerate(rows):
        top = HEAD + number * (PICTURE + TEXT + GAP)
        for column, panel in enumerate(row.panels):
            left = GAP + column * (CELL + GAP)
            sheet.paste(_fitted(panel), (left, top))
            marks = panel.readings[0][1] if panel.readings else ()
            _reading(draw, marks, left, top + PICTURE + 6, font, known=bool(panel.readings))

    return np.asarray(sheet)


def _fitted(panel: Panel) -> Image.Image:
    """A panel's picture in the cell; its pixels stay visible."""
    return Image.fromarray(panel.image).resize((CELL, PICTURE), Image.Resampling.NEAREST)


def _centred(
    draw: ImageDraw.ImageDraw, text: str, left: int, top: int, font: ImageFont.FreeTypeFont | ImageFont.ImageFont
) -> None:
    shown = text
    while len(shown) > 1 and font.getlength(shown) > CELL:
        shown = shown[:-2] + "…"
    draw.text((left + (CELL - font.getlength(shown)) / 2, top), shown, INK, font=font)


def _reading(
    draw: ImageDraw.ImageDraw,
    marks: Sequence[Mark],
    left: int,
    top: int,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
    *,
    known: bool,
) -> None:
    """What is read, right characters in green, wrong ones in red."""
    if known and not marks:
        _centred(draw, "(nothing)", left, top, font)
        return
    # Centred as a whole, drawn stretch by stretch, each in its colour.
    x = left + (CELL - sum(font.getlength(mark.text) for mark in marks)) / 2
    for mark in marks:
        draw.text((x, top), mark.text, COLOURS[mark.right], font=font)
        x += font.getlength(mark.text)


def encode_figure(picture: NDArray[np.uint8], ending: str) -> bytes:
    """A figure as the bytes of a ``.pdf`` or ``.png`` file, at 300 dots per inch.

    Args:
        picture: ``(H, W, 3)`` uint8.
        ending: ``.pdf`` or ``.png``.
    """
    buffer = io.BytesIO()
    image = Image.fromarray(picture)
    if ending == ".pdf":
        image.save(buffer, format="PDF", resolution=float(DPI), quality=95)
    else:
        image.save(buffer, format="PNG", dpi=(DPI, DPI))
    return buffer.getvalue()
