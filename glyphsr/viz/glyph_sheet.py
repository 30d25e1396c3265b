"""Glyph masks over their pictures, many words on one sheet."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from glyphsr.types import Extraction, Sample
from glyphsr.viz.fitting import fit

CELL_WIDTH, IMAGE_HEIGHT, CAPTION_HEIGHT, GAP = 260, 56, 32, 8
COLUMNS = 4
PAPER, INK, TROUBLE = (255, 255, 255), (70, 70, 70), (190, 30, 30)
COLOURS = np.array(
    [(230, 60, 60), (60, 180, 75), (60, 110, 230), (240, 170, 30), (200, 60, 200), (30, 190, 190)], np.float32
)
"""One after the other, so that neighbours differ."""


def overlay(image: NDArray[np.uint8], chars: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Colour each character's mask over a faded gray picture.

    Args:
        image: ``(H, W, 3)`` uint8 RGB.
        chars: ``(L, H, W)`` bool.

    Returns:
        ``(H, W, 3)`` uint8.
    """
    gray = image.astype(np.float32).mean(axis=2, keepdims=True)
    canvas = np.repeat(0.5 * gray + 100.0, 3, axis=2)
    for i, mask in enumerate(chars):
        canvas[mask] = 0.35 * canvas[mask] + 0.65 * COLOURS[i % len(COLOURS)]
    return canvas.clip(0, 255).astype(np.uint8)


def _shortened(text: str, font: ImageFont.ImageFont | ImageFont.FreeTypeFont) -> str:
    """One line that is no wider than a cell."""
    line = " ".join(text.split())
    if font.getlength(line) <= CELL_WIDTH:
        return line
    while line and font.getlength(f"{line}...") > CELL_WIDTH:
        line = line[:-1]
    return f"{line}..."


def _trouble(extraction: Extraction) -> str:
    if extraction.rejected:
        return extraction.rejected
    reasons = [f"{record.char}: {record.fallback}" for record in extraction.glyphs if record.fallback]
    return ", ".join(reasons)


def glyph_sheet(words: Sequence[tuple[Sample, Extraction]]) -> NDArray[np.uint8]:
    """A sheet of four columns: picture, masks, text, quality, and reasons in red.

    Args:
        words: Pictures and what was extracted from them; at least one.

    Returns:
        ``(H, W, 3)`` uint8.
    """
    rows = -(-len(words) // COLUMNS)
    cell_height = 2 * IMAGE_HEIGHT + CAPTION_HEIGHT + 3 * GAP

    sheet = Image.new("RGB", (COLUMNS * (CELL_WIDTH + GAP) + GAP, rows * cell_height + GAP), PAPER)
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(12)

    for i, (sample, extraction) in enumerate(words):
        x = GAP + i % COLUMNS * (CELL_WIDTH + GAP)
        y = GAP + i // COLUMNS * cell_height
        sheet.paste(fit(sample.hr, height=IMAGE_HEIGHT, width=CELL_WIDTH), (x, y))
        sheet.paste(
            fit(overlay(sample.hr, extraction.chars), height=IMAGE_HEIGHT, width=CELL_WIDTH),
            (x, y + IMAGE_HEIGHT + GAP),
        )

        caption = f"{sample.id.rpartition('/')[2]}  {sample.label}  {extraction.quality:.2f}"
        # Text and quality in grey; what went wrong below, in red.
        below = y + 2 * IMAGE_HEIGHT + 2 * GAP - 4
        draw.text((x, below), _shortened(caption, font), INK, font=font)
        draw.text((x, below + CAPTION_HEIGHT // 2), _shortened(_trouble(extraction), font), TROUBLE, font=font)

    return np.asarray(sheet)
