"""Words rendered with the system's fonts: labels, fonts, colours, a little geometry."""

import functools
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from glyphsr.errors import DataError
from glyphsr.text.charset import ALPHANUMERIC
from glyphsr.types import Sample

FONT_SIZE = 44
"""Pixels per em at which words are drawn; lines come out about 50 pixels high."""

BUILTIN_FONT = "builtin"
"""Stands for the one font that comes with PIL; there everywhere, but no basis for training."""

WORD_LISTS = (Path("/usr/share/dict/words"), Path("/usr/share/dict/american-english"))


FALLBACK_WORDS = ("the", "open", "street", "hotel", "market", "coffee", "school", "bank", "exit", "north", "garden")


@functools.cache
def load_words() -> tuple[str, ...]:
    """Words of the system's word list, ASCII letters only; a short built-in list where there is none."""
    for path in WORD_LISTS:
        if path.is_file():
            words = path.read_text(encoding="utf-8", errors="ignore").split()
            kept = tuple(w for w in words if w.isascii() and w.isalpha() and len(w) <= 14)
            if kept:
                return kept
    return FALLBACK_WORDS


def _draws_latin(path: str) -> bool:
    """Whether a font has a distinct, visible shape for every letter and digit."""
    try:
        font = ImageFont.truetype(path, 20)
        missing = font.getmask("\uffff")
        absent = (missing.size, bytes(missing))
        shapes = [(mask.size, bytes(mask)) for c in ALPHANUMERIC for mask in (font.getmask(c),)]
    except (OSError, ValueError):
        return False
    if any(shape == absent or not any(shape[1]) for shape in shapes):
        return False
    return len(set(shapes)) > 0.6 * len(shapes)  # small capitals repeat shapes, symbol fonts repeat far more


@functools.cache
def find_fonts() -> tuple[str, ...]:
    """Files of the installed scalable fonts that cover English, in a stable order.

    Raises:
        DataError: If fontconfig knows none.
    """
    try:
        command = ["fc-list", ":lang=en:scalable=true", "file"]
        listing = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise DataError(f"cannot list the system's fonts with fc-list: {error}") from error
    files = sorted({line.split(":")[0] for line in listing.splitlines()})
    fonts = tuple(f for f in files if f.lower().endswith((".ttf", ".otf", ".pfb")) and _draws_latin(f))
    if not fonts:
        raise DataError("no usable font found; install some, e.g. the packages fonts-dejavu and fonts-liberation")
    return fonts


@functools.lru_cache(maxsize=256)
def _font(path: str, size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size) if path == BUILTIN_FONT else ImageFont.truetype(path, size)


def random_text(rng: np.random.Generator) -> str:
    """A word in one of three cases, or a number or code."""
    kind = rng.random()
    if kind < 0.12:
        return "".join(str(d) for d in rng.integers(0, 10, rng.integers(1, 8)))
    if kind < 0.20:
        symbols = rng.choice(list(ALPHANUMERIC), rng.integers(2, 9))
        text = "".join(symbols.tolist())
        return text.upper() if rng.random() < 0.6 else text
    words = load_words()
    word = words[rng.integers(len(words))]
    case = rng.random()
    if case < 0.42:
        return word.upper()
    return word.capitalize() if case < 0.68 else word


def _text_mask(text: str, font_path: str, rng: np.random.Generator) -> NDArray[np.float32]:
    """Coverage in [0, 1] of the drawn text, with random spacing, margins, rotation and shear."""
    font = _font(font_path, FONT_SIZE)
    spacing = float(rng.normal(0, 0.04) * FONT_SIZE) if rng.random() < 0.4 else 0.0
    advances = [font.getlength(c) + max(spacing, -0.08 * FONT_SIZE) for c in text]
    width = int(sum(advances)) + 2 * FONT_SIZE
    canvas = Image.new("L", (width, 3 * FONT_SIZE), 0)
    draw = ImageDraw.Draw(canvas)
    stroke = int(rng.random() < 0.12)
    if spacing:
        x = float(FONT_SIZE)
        for char, advance in zip(text, advances, strict=True):
            draw.text((x, FONT_SIZE), char, 255, font=font, stroke_width=stroke)
            x += advance
    else:
        draw.text((FONT_SIZE, FONT_SIZE), text, 255, font=font, stroke_width=stroke)
    mask = np.asarray(canvas, np.float32) / 255.0
    angle, shear = rng.normal(0, 0.03), rng.normal(0, 0.08)
    affine = np.array([[np.cos(angle), shear, 0], [np.sin(angle), np.cos(angle), 0]], np.float32)
    centre = np.array([width / 2, 1.5 * FONT_SIZE], np.float32)
    affine[:, 2] = centre - affine[:, :2] @ centre
    warped = cv2.warpAffine(mask, affine, (width, 3 * FONT_SIZE), flags=cv2.INTER_LINEAR)
    mask = np.asarray(warped, np.float32)
    rows, columns = np.flatnonzero(mask.max(1) > 0.3), np.flatnonzero(mask.max(0) > 0.3)
    if not len(rows) or not len(columns):
        return np.zeros((0, 0), np.float32)
    top, bottom, left, right = rng.uniform(0.0, 0.22, 4) * (rows[-1] - rows[0] + 1)
    y0, y1 = max(0, int(rows[0] - top)), int(rows[-1] + 1 + bottom)
    x0, x1 = max(0, int(columns[0] - left)), int(columns[-1] + 1 + right)
    return mask[y0:y1, x0:x1]


def _background(shape: tuple[int, int], colour: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """A plain, graded or cloudy ground of the given colour."""
    height, width = shape
    ground = np.broadcast_to(colour, (height, width, 3)).astype(np.float32)
    kind = rng.random()
    if kind < 0.35:
        slope = rng.normal(0, 0.12, 2)
        y, x = np.linspace(-1, 1, height)[:, None], np.linspace(-1, 1, width)[None, :]
        ground = ground + (slope[0] * y + slope[1] * x)[..., None].astype(np.float32)
    elif kind < 0.6:
        cells = rng.normal(0, rng.uniform(0.02, 0.15), (rng.integers(2, 9), rng.integers(3, 20), 3)).astype(np.float32)
        ground = ground + cv2.resize(cells, (width, height), interpolation=cv2.INTER_CUBIC)
    return ground


def render_word(rng: np.random.Generator, *, fonts: Sequence[str] | None = None, name: str = "rendered") -> Sample:
    """Draw one random word.

    Args:
        rng: Source of every draw; the same state gives the same picture on the same fonts.
        fonts: Font files to draw from; default is every usable one of the system.
        name: The sample's id.

    Returns:
        An HR sample about 50 pixels high; label in letters and digits, case kept.

    Raises:
        DataError: If the system has no usable font.
    """
    fonts = fonts or find_fonts()
    while True:
        text = random_text(rng)
        mask = _text_mask(text, fonts[int(rng.integers(len(fonts)))], rng)
        if min(mask.shape) >= 8:  # some fonts draw slivers; try the next draw
            break
    dark, light = rng.uniform(0, 0.55), rng.uniform(0.45, 1)
    if light - dark < 0.25:
        dark, light = max(0.0, dark - 0.25), min(1.0, light + 0.25)
    tint = rng.normal(0, 0.09, (2, 3)).astype(np.float32)
    ink, paper = (dark, light) if rng.random() < 0.6 else (light, dark)
    ground = _background(mask.shape, np.float32(paper) + tint[0], rng)
    image: NDArray[Any] = ground
    if rng.random() < 0.12:  # drop shadow or a lighter edge
        move = np.array([[1, 0, rng.uniform(-3, 3)], [0, 1, rng.uniform(-3, 3)]], np.float32)
        shadow = cv2.warpAffine(mask, move, mask.shape[::-1]) * np.float32(rng.uniform(0.3, 0.9))
        image = image + shadow[..., None] * (np.float32(rng.uniform(0, 1)) - image)
    colour: NDArray[Any] = np.float32(ink) + tint[1]
    image = image + mask[..., None] * (colour - image)
    image = image + np.asarray(rng.normal(0, rng.uniform(0, 0.03), image.shape), np.float32)
    return Sample(id=name, hr=np.clip(image * 255 + 0.5, 0, 255).astype(np.uint8), label=text)
