"""Samples of a set side by side: LR above HR, with their labels."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from glyphsr.types import Sample
from glyphsr.viz.fitting import fit

CELL_WIDTH, IMAGE_HEIGHT, CAPTION_HEIGHT, GAP = 220, 48, 18, 8
COLUMNS = 4
PAPER, INK = (255, 255, 255), (70, 70, 70)


def contact_sheet(samples: Sequence[Sample]) -> NDArray[np.uint8]:
    """A sheet of four columns.

    Args:
        samples: Samples with or without LR side; at least one.

    Returns:
        ``(H, W, 3)`` uint8.
    """
    rows = -(-len(samples) // COLUMNS)
    cell_height = 2 * IMAGE_HEIGHT + CAPTION_HEIGHT + 3 * GAP

    sheet = Image.new("RGB", (COLUMNS * (CELL_WIDTH + GAP) + GAP, rows * cell_height + GAP), PAPER)
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(12)

    for i, sample in enumerate(samples):
        x = GAP + (i % COLUMNS) * (CELL_WIDTH + GAP)
        y = GAP + (i // COLUMNS) * cell_height

        if sample.lr is not None:
            sheet.paste(fit(sample.lr, height=IMAGE_HEIGHT, width=CELL_WIDTH), (x, y))
        sheet.paste(fit(sample.hr, height=IMAGE_HEIGHT, width=CELL_WIDTH), (x, y + IMAGE_HEIGHT + GAP))

        caption = f"{sample.id.rpartition('/')[2]}  {sample.label}"
        draw.text((x, y + 2 * IMAGE_HEIGHT + 2 * GAP - 4), caption, INK, font=font)

    return np.asarray(sheet)
