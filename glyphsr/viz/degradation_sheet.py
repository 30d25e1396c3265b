"""The same words at several difficulties: HR on the left, what becomes of it beside it."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from glyphsr.viz.fitting import fit

CELL_WIDTH, CELL_HEIGHT, HEADER, GAP = 190, 48, 22, 8
PAPER, INK = (255, 255, 255), (70, 70, 70)


def degradation_sheet(
    rows: Sequence[tuple[NDArray[np.uint8], Sequence[NDArray[np.uint8]]]], difficulties: Sequence[float]
) -> NDArray[np.uint8]:
    """A row per word, a column per difficulty.

    Args:
        rows: HR ``(H, W, 3)`` uint8 of each word, and its degraded versions.
        difficulties: Of the versions.

    Returns:
        ``(H, W, 3)`` uint8.
    """
    columns = 1 + len(difficulties)
    size = (columns * (CELL_WIDTH + GAP) + GAP, HEADER + len(rows) * (CELL_HEIGHT + GAP) + GAP)
    sheet = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(13)
    for column, title in enumerate(("HR", *(f"difficulty {d:g}" for d in difficulties))):
        draw.text((GAP + column * (CELL_WIDTH + GAP), 4), title, INK, font=font)

    for row, (hr, versions) in enumerate(rows):
        for column, image in enumerate((hr, *versions)):
            place = (GAP + column * (CELL_WIDTH + GAP), HEADER + GAP + row * (CELL_HEIGHT + GAP))
            sheet.paste(fit(image, height=CELL_HEIGHT, width=CELL_WIDTH), place)
    return np.asarray(sheet)
