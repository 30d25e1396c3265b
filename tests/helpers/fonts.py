"""Font files made from Pillow's own: whole, and broken in the ways that fonts are."""

import io
import string
from pathlib import Path

from fontTools.ttLib import TTFont
from PIL import ImageFont


def _write(path: Path, change) -> Path:
    font = TTFont(io.BytesIO(ImageFont.load_default(20).font_bytes))
    for table in font["cmap"].tables:
        if table.isUnicode():
            change(table.cmap)
    font.save(path)
    return path


def whole_font(path: Path) -> Path:
    return _write(path, lambda cmap: None)


def font_of_boxes(path: Path) -> Path:
    """Claims every character and draws the box of missing ones for all."""

    def change(cmap):
        for code in cmap:
            cmap[code] = ".notdef"

    return _write(path, change)


def font_of_blanks(path: Path) -> Path:
    def change(cmap):
        for code in cmap:
            cmap[code] = "space"

    return _write(path, change)


def font_of_giants(path: Path) -> Path:
    """Letters a hundred ems wide and high."""
    font = TTFont(io.BytesIO(ImageFont.load_default(20).font_bytes))
    font["head"].unitsPerEm = 16
    font.save(path)
    return path


def font_without(path: Path, characters: str) -> Path:
    def change(cmap):
        for char in characters:
            cmap.pop(ord(char), None)

    return _write(path, change)


def font_of_capitals(path: Path) -> Path:
    """Draws capitals for lower case."""

    def change(cmap):
        for char in string.ascii_lowercase:
            cmap[ord(char)] = cmap[ord(char.upper())]

    return _write(path, change)


def font_of_other_letters(path: Path) -> Path:
    """Draws some other letter or digit for each, as symbol fonts draw symbols."""

    def change(cmap):
        order = string.ascii_letters + string.digits
        glyphs = [cmap[ord(char)] for char in order]
        for i, char in enumerate(order):
            cmap[ord(char)] = glyphs[(23 * i + 11) % len(order)]

    return _write(path, change)
