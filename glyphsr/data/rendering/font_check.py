"""Whether a font draws letters: no blanks, no boxes, no symbols in their place."""

import functools
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from glyphsr.config.rendering import BUILTIN_FONT
from glyphsr.errors import DataError
from glyphsr.safe_reading.limits import FONT_BYTES
from glyphsr.text.charset import ALPHANUMERIC, PRINTABLE_94

CHECK_NUMBER = 3
"""Rises when a font may be judged otherwise than before."""

CHECKED = PRINTABLE_94 + "£€"
"""Characters that every font is looked at for."""

SIZE = 24
"""Pixels per em at which fonts are looked at."""

CELL = 3 * SIZE
TEMPLATE = 12
"""Side of the squares in which shapes are compared."""

SLANTS = (0.0, 0.15, 0.3)
"""Of the builtin font's letters that others are compared with: italics look like none of the upright ones."""

WORST_RANK = 0.24
"""Greatest fraction of the other letters that a letter may look more like than itself, on average.

Of 1,544 fonts of Debian's packages most are below 0.1, scripts and blackletter reach 0.22, symbol fonts 0.27 to 0.51.
"""

MOST_EMS = 64
"""Area of a character in square ems beyond which it is not drawn: a hostile font may claim thousands."""

TWO_SHAPES = "abdeghnqrt"
"""Letters whose capitals are no larger copies of them."""

UNICASE_ALIKE = 0.64
"""Median likeness of their two cases from which a font has but one: capitals reach 0.70, other fonts at most 0.58."""

ABSENT = "\uffff"
"""A code that no font draws, so that what comes out is the box or blank of missing characters."""


@dataclass(frozen=True)
class Portrait:
    """What a font draws."""

    covers: frozenset[str]
    """Of the characters asked for."""
    shapes: str
    """Digest of how they look."""
    is_legible: bool
    """Whether letters and digits are all there and look like themselves."""
    is_unicase: bool = False
    """Whether lower-case letters are drawn as capitals, large or small."""


def is_bounded(font: ImageFont.FreeTypeFont, char: str, stroke: int = 0) -> bool:
    """Whether a character takes no more room than characters do; nothing is drawn."""
    left, top, right, bottom = font.getbbox(char, anchor="ls", stroke_width=stroke)
    return (right - left) * (bottom - top) <= MOST_EMS * font.size**2


def _shape(font: ImageFont.FreeTypeFont, char: str) -> NDArray[np.uint8]:
    """Coverage on a cell that leaves room for accents and swashes."""
    if not is_bounded(font, char):
        raise ValueError(f"{char!r} is larger than any character")
    cell = Image.new("L", (CELL, CELL), 0)
    ImageDraw.Draw(cell).text((SIZE, 2 * SIZE), char, 255, font=font, anchor="ls")
    return np.asarray(cell)


def _template(shape: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The inked box as a small square of mean 0 and length 1."""
    rows, columns = np.flatnonzero(shape.any(axis=1)), np.flatnonzero(shape.any(axis=0))
    box = shape[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    small = cv2.resize(box.astype(np.float32), (TEMPLATE, TEMPLATE), interpolation=cv2.INTER_AREA).ravel()
    # With mean 0 and length 1 the product of two templates is their correlation.
    small -= small.mean()
    return np.asarray(small / max(float(np.linalg.norm(small)), 1e-6), np.float32)


@functools.cache
def _builtin() -> NDArray[np.float32]:
    """``(slants, letters, pixels)``: how letters look."""
    font = ImageFont.load_default(SIZE)
    assert isinstance(font, ImageFont.FreeTypeFont)

    upright = [_shape(font, char) for char in ALPHANUMERIC]
    slanted = []
    for slant in SLANTS:
        move = np.array([[1, -slant, slant * CELL / 2], [0, 1, 0]], np.float32)
        slanted.append(
            np.stack([_template(np.asarray(cv2.warpAffine(shape, move, (CELL, CELL)), np.uint8)) for shape in upright])
        )
    return np.stack(slanted)


def _rank_of_own(shapes: dict[str, NDArray[np.uint8]]) -> float:
    """Mean fraction of the other letters and digits that a letter looks more like than itself: a half for symbols."""
    own = np.stack([_template(shapes[char]) for char in ALPHANUMERIC])
    alike = (own @ _builtin().transpose(0, 2, 1)).max(axis=0)  # (letters, builtin letters)
    better = alike > np.diag(alike)[:, None]
    return float(better.sum() / (len(alike) * (len(alike) - 1)))


def _cases_alike(shapes: dict[str, NDArray[np.uint8]]) -> float:
    """How much lower case looks like capitals, 1 for the same shapes."""
    pairs = ((_template(shapes[char]), _template(shapes[char.upper()])) for char in TWO_SHAPES)
    return float(np.median([small @ large for small, large in pairs]))


def portrait(path: str, characters: str = CHECKED) -> Portrait | None:
    """What a font file draws of some characters.

    Args:
        path: The file, or ``builtin``.
        characters: To look at; legibility is only judged where letters and digits are among them.

    Returns:
        ``None`` where the file is no font.

    Raises:
        OSError: If the file cannot be read.
        DataError: If it is too large.
    """
    if path != BUILTIN_FONT:
        with Path(path).open("rb") as file:  # whose failure FreeType would not tell from that of a file that is no font
            FONT_BYTES.check(file.seek(0, os.SEEK_END), path, DataError)
            file.seek(0)
            file.read(1)

    try:
        font = (
            ImageFont.load_default(SIZE)
            if path == BUILTIN_FONT
            else ImageFont.truetype(path, SIZE, layout_engine=ImageFont.Layout.BASIC)
        )
        assert isinstance(font, ImageFont.FreeTypeFont)
        absent = _shape(font, ABSENT)
        shapes = {char: _shape(font, char) for char in characters}
    except Exception:  # what drawing with damaged fonts raises is not documented and varies
        return None

    # What looks like the box of missing characters is missing.
    drawn = {char: shape for char, shape in shapes.items() if shape.any() and not np.array_equal(shape, absent)}
    # Fonts that draw alike are one font under several names.
    digest = hashlib.sha256()
    for char in sorted(drawn):
        digest.update(char.encode() + drawn[char].tobytes())

    whole = set(ALPHANUMERIC) <= set(drawn)
    legible = whole and _rank_of_own(drawn) <= WORST_RANK
    return Portrait(frozenset(drawn), digest.hexdigest(), legible, whole and _cases_alike(drawn) >= UNICASE_ALIKE)
