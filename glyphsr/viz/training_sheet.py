"""What a network under training makes of a few words: LR, SR, HR, and the glyphs it sees."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from glyphsr.viz.fitting import fit
from glyphsr.viz.glyph_sheet import overlay

CELL_WIDTH, CELL_HEIGHT, CAPTION_HEIGHT, GAP = 260, 64, 18, 8
PAPER, INK = (255, 255, 255), (70, 70, 70)
SEEN = 0.5
"""Value of a character map from which a pixel is shown as the character's."""


@dataclass(frozen=True, eq=False)
class TrainingRow:
    """One word."""

    lr: NDArray[np.uint8]
    sr: NDArray[np.uint8]
    hr: NDArray[np.uint8]
    label: str
    chars: NDArray[np.float32] | None = None
    """``(L, h, w)`` raw character maps, ``None`` for a network that sees none."""
    read: str | None = None
    """Text of the predicted classes, ``None`` likewise."""


def training_sheet(rows: Sequence[TrainingRow]) -> NDArray[np.uint8]:
    """A row of panels for each word; maps are coloured over the SR picture.

    Args:
        rows: At least one.

    Returns:
        ``(H, W, 3)`` uint8.
    """
    columns = 4 if any(row.chars is not None for row in rows) else 3
    cell = CELL_HEIGHT + CAPTION_HEIGHT + GAP

    sheet = Image.new("RGB", (columns * (CELL_WIDTH + GAP) + GAP, len(rows) * cell + GAP), PAPER)
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(12)

    for i, row in enumerate(rows):
        y = GAP + i * cell
        panels = [("LR", row.lr), ("SR", row.sr), (f"HR  {row.label}", row.hr)]
        if row.chars is not None:
            panels.append((f"glyphs  {row.read or ''}", _seen(row.sr, row.chars)))
        for column, (caption, image) in enumerate(panels):
            x = GAP + column * (CELL_WIDTH + GAP)
            sheet.paste(fit(image, height=CELL_HEIGHT, width=CELL_WIDTH), (x, y))
            draw.text((x, y + CELL_HEIGHT + 2), caption, INK, font=font)

    return np.asarray(sheet)


def _seen(sr: NDArray[np.uint8], chars: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Each pixel in the colour of its strongest map, where that is strong enough."""
    strongest = chars.argmax(axis=0)
    masks = np.stack([(strongest == i) & (chars[i] > SEEN) for i in range(len(chars))])
    enlarged = masks.repeat(2, axis=1).repeat(2, axis=2)
    return overlay(sr, enlarged)
