"""Where every character of a text comes to stand in the picture."""

import functools
import math
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFont

from glyphsr.config.rendering import RenderConfig
from glyphsr.data.rendering.font_check import is_bounded
from glyphsr.data.rendering.random_choices import RandomChoices

EM_PER_HEIGHT = 2.0
"""Pixels per em at which characters are drawn, by the picture's height: about the size at which they are needed."""

ENOUGH = 3.0
"""Pixels of a drawn shape per pixel of the picture beyond which it is made smaller first."""

MOST_SHEAR = 2.0

Matrix = NDArray[np.float64]
"""``(3, 3)`` homography of points ``(x, y, 1)``; a pixel ``i`` covers ``i .. i + 1``."""


@dataclass(frozen=True, eq=False)
class PlacedGlyph:
    """One drawn character and its way into the picture."""

    char: str
    shape: NDArray[np.uint8]
    """``(h, w)`` coverage of its inked box, 0 to 255."""
    to_picture: Matrix
    """From points of that box to points of the picture."""
    box: tuple[float, float, float, float]
    """``(x0, y0, x1, y1)`` around it in the picture."""


@dataclass(frozen=True, eq=False)
class Layout:
    """The characters of a text in a picture; spaces have no glyph."""

    glyphs: tuple[PlacedGlyph, ...]
    size: tuple[int, int]
    """``(H, W)``, both even."""
    box: tuple[float, float, float, float]
    """Around the text, as :attr:`PlacedGlyph.box`."""


@dataclass(frozen=True)
class Margins:
    """Between text and picture, as fractions of the text's height."""

    left: float
    top: float
    right: float
    bottom: float


class UndrawableError(Exception):
    """A text that leaves no ink or next to none, as some fonts' slivers do."""


def _move(x: float, y: float) -> Matrix:
    return np.array([[1.0, 0.0, x], [0.0, 1.0, y], [0.0, 0.0, 1.0]])


@functools.lru_cache(maxsize=128)  # of a run's few fonts; at a height of 512 a shape takes half a megabyte
def _drawn(font: ImageFont.FreeTypeFont, char: str, stroke: int) -> tuple[NDArray[np.uint8], tuple[int, int], float]:
    """A character's inked box, where it begins beside a baseline's start at ``(0, 0)``, and how far the next one is."""
    if not is_bounded(font, char, stroke):
        raise UndrawableError
    core, (left, up) = font.getmask2(char, anchor="ls", stroke_width=stroke)
    # Pillow has no public way from its core images to arrays but through another drawing, which takes twice as long.
    shape = np.asarray(Image.Image()._new(core)) if min(core.size) else np.zeros((0, 0), np.uint8)
    return shape, (left, up), font.getlength(char)


class _SetGlyph(NamedTuple):
    """A character's shape where it stands on the baseline, whose start is at ``(0, 0)``."""

    char: str
    shape: NDArray[np.uint8]
    left: float
    up: float
    size: float
    """Of what is drawn, in that of the shape."""

    @property
    def right(self) -> float:
        return float(self.left + self.size * self.shape.shape[1])

    @property
    def bottom(self) -> float:
        return float(self.up + self.size * self.shape.shape[0])


def _set(text: str, font: ImageFont.FreeTypeFont, stroke: int, spacing: float, small: float) -> list[_SetGlyph]:
    """Each character's shape and its place; spaces and blanks left out."""
    found, start = [], 0.0
    for before, char in zip(" " + text, text, strict=False):
        shape, (left, up), advance = _drawn(font, char, stroke)
        # The first letter of each word keeps its size.
        size = 1.0 if before.isspace() else small
        if shape.size and not char.isspace():
            found.append(_SetGlyph(char, shape, start + size * left, size * up, size))
        start += size * advance + spacing
    return found


def _flat(draws: RandomChoices, config: RenderConfig, width: float, reach: float) -> Matrix:
    """Rotation, slant and perspective about the text's middle, which is at 0.

    Args:
        draws: Source of every draw.
        config: Their deviations.
        width: Of the text, over which perspective is counted.
        reach: How far the text goes from its middle at most.
    """
    angle = config.rotation * draws.normal()
    # No draw where there are none, so that data sets made before there were any come out as they did.
    if config.turned_prob and draws.happens(config.turned_prob):
        angle += draws.around(0.0, config.turn)

    shear = min(MOST_SHEAR, max(-MOST_SHEAR, config.shear * draws.normal()))
    cos, sin = math.cos(angle), math.sin(angle)

    affine = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]]) @ np.array([[1, -shear, 0], [0, 1, 0], [0, 0, 1]])

    tilt, lean = config.perspective * draws.normal() / width, 0.5 * config.perspective * draws.normal() / width
    # Beyond this one end would be more than three times as large as the other, and then the horizon comes.
    limit = 0.5 / max(1e-9, math.hypot(tilt, lean) * reach * (1 + abs(shear)))
    tilt, lean = min(1.0, limit) * tilt, min(1.0, limit) * lean

    return np.asarray(np.array([[1, 0, 0], [0, 1, 0], [tilt, lean, 1.0]]) @ affine)


def _boxes(sizes: NDArray[np.float64], matrices: NDArray[np.float64]) -> NDArray[np.float64]:
    """``(n, 4)``: ``x0, y0, x1, y1`` around where boxes of sizes ``(n, 2)`` of width and height go."""
    corners = sizes[:, None, :] * np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    points = corners @ matrices[:, :, :2].transpose(0, 2, 1) + matrices[:, None, :, 2]  # (n, 4, 3)
    flat = points[:, :, :2] / points[:, :, 2:]
    return np.concatenate([flat.min(axis=1), flat.max(axis=1)], axis=1)


def place(
    text: str,
    font: ImageFont.FreeTypeFont,
    *,
    config: RenderConfig,
    draws: RandomChoices,
    margins: Margins,
    small: float = 1.0,
) -> Layout:
    """Set a text: spacing, arc, rotation, slant, stretch, perspective, then scaled to the picture's height.

    Args:
        text: With at least one character that is no space.
        font: At :data:`EM_PER_HEIGHT` times the picture's height.
        config: Ranges to draw from.
        draws: Source of every draw.
        margins: Around the text.
        small: Size of all characters but the first of each word, in that of the first.

    Raises:
        UndrawableError: If there is next to no ink.
    """
    em = float(font.size)

    stroke = int(draws.happens(0.08) and em >= 32) * max(1, round(em / 48))
    touching = draws.happens(config.touching_prob)
    spacing = em * (draws.between((-0.16, -0.06)) if touching else max(-0.04, config.tracking * draws.normal()))
    # The text along its baseline, in pixels of the font.
    glyphs = _set(text, font, stroke, spacing, small)
    if not glyphs or len(glyphs) != sum(not char.isspace() for char in text):
        raise UndrawableError

    first, last = min(glyph.left for glyph in glyphs), max(glyph.right for glyph in glyphs)
    top, bottom = min(glyph.up for glyph in glyphs), max(glyph.bottom for glyph in glyphs)
    width, height = last - first, bottom - top
    if width < 4 or height < 4:
        raise UndrawableError

    # What is drawn from the baseline's start is stretched about the text's middle first, then bent, then turned.
    centre = (first + last) / 2
    room = config.max_aspect * (1 + margins.top + margins.bottom) - margins.left - margins.right
    # No wider than the configured aspect, margins included.
    stretch = min(config.stretch ** draws.around(0, 1), max(0.1, room) * height / width)
    wide = stretch * width
    bend = draws.around(0, config.curve) if draws.happens(config.curve_prob) and wide > 1.5 * height else 0.0

    # One matrix for each glyph: from its own square into the text's plane.
    placed = np.zeros((len(glyphs), 3, 3))
    placed[:, 0, 0] = [stretch * glyph.size for glyph in glyphs]
    placed[:, 1, 1] = [glyph.size for glyph in glyphs]
    placed[:, 2, 2] = 1.0

    placed[:, 0, 2] = [stretch * (glyph.left - centre) for glyph in glyphs]
    placed[:, 1, 2] = [glyph.up - (top + bottom) / 2 for glyph in glyphs]
    if bend:
        half = [stretch * (glyph.right - glyph.left) / 2 for glyph in glyphs]
        middles = placed[:, 0, 2] + half
        placed = np.stack([_on_arc(float(x), bend / wide, (bottom - top) / 2) for x in middles]) @ placed

    # How far the text lies from its middle: the perspective is bounded there.
    reach = math.hypot(wide, height) / 2 + wide * abs(bend) / 4
    return _scaled(glyphs, _flat(draws, config, wide, reach) @ placed, margins=margins, height=config.height)


def _on_arc(x: float, curvature: float, baseline: float) -> Matrix:
    """Moves and turns what stands at ``x`` on the baseline to its place on an arc through the middle."""
    angle, radius = x * curvature, 1 / curvature
    cos, sin = math.cos(angle), math.sin(angle)
    turn = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1.0]])
    return np.asarray(_move(radius * sin, baseline + radius * (1 - cos)) @ turn @ _move(-x, -baseline))


def _scaled(
    glyphs: list[_SetGlyph],
    placed: NDArray[np.float64],
    *,
    margins: Margins,
    height: int,
) -> Layout:
    """The text with its margins brought to the picture's height."""
    sizes = np.array([glyph.shape.shape[::-1] for glyph in glyphs], np.float64)
    boxes = _boxes(sizes, placed)
    x0, y0 = (float(least) for least in boxes[:, :2].min(axis=0))
    x1, y1 = (float(greatest) for greatest in boxes[:, 2:].max(axis=0))
    tall = y1 - y0
    if tall < 2 or x1 - x0 < 2:
        raise UndrawableError

    # The picture's height is given, its width follows; even, so that it can be halved.
    scale = height / (tall * (1 + margins.top + margins.bottom))
    wide = scale * (x1 - x0 + tall * (margins.left + margins.right))
    columns = max(height // 2, math.ceil(wide))
    columns += columns % 2

    left, top = (columns - wide) / 2 + scale * tall * margins.left, scale * tall * margins.top

    into = np.array([[scale, 0, left - scale * x0], [0, scale, top - scale * y0], [0, 0, 1.0]])
    matrices = into @ placed
    moved = (boxes * scale + into[[0, 1, 0, 1], 2]).tolist()

    done = tuple(
        PlacedGlyph(glyph.char, *_shrunk(glyph.shape, matrix, scale), (box[0], box[1], box[2], box[3]))
        for glyph, matrix, box, scale in zip(glyphs, matrices, moved, _scales(matrices), strict=True)
    )

    return Layout(done, (height, columns), (left, top, left + scale * (x1 - x0), top + scale * tall))


def _scales(matrices: NDArray[np.float64]) -> list[list[float]]:
    """``(n, 2)``: how many pixels of the picture one of each shape's columns and rows takes, at its first corner."""
    depth = matrices[:, 2, 2, None]
    corner = matrices[:, :2, 2] / depth
    columns = (matrices[:, :2, 0] - corner * matrices[:, 2, 0, None]) / depth
    rows = (matrices[:, :2, 1] - corner * matrices[:, 2, 1, None]) / depth
    return np.stack([np.hypot(*columns.T), np.hypot(*rows.T)], axis=1).tolist()  # type: ignore[no-any-return]


def _shrunk(shape: NDArray[np.uint8], matrix: Matrix, scale: list[float]) -> tuple[NDArray[np.uint8], Matrix]:
    """A shape that is drawn much larger than needed, made smaller by area: resampling would skip some of its pixels."""
    if ENOUGH * min(scale) >= 1:
        return shape, matrix

    rows, columns = shape.shape
    size = tuple(
        min(count, max(1, math.ceil(ENOUGH * own * count))) for own, count in zip(scale, (columns, rows), strict=True)
    )
    small = np.asarray(cv2.resize(shape, size, interpolation=cv2.INTER_AREA), np.uint8)
    return small, matrix @ np.diag([columns / size[0], rows / size[1], 1.0])
