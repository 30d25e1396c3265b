"""A text prior as a heat map: characters down, places along the line across, the picture above."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from glyphsr.viz.colours import heat

CELL_HEIGHT, LEFT, GAP = 18, 64, 6
PAPER, INK, FAINT = (255, 255, 255), (45, 45, 45), (120, 120, 120)
WIDTH = 720
"""Of the map in pixels, about: each step has the same whole number."""


def prior_chart(
    picture: NDArray[np.uint8], probabilities: NDArray[np.floating], names: Sequence[str], *, most: int = 14
) -> NDArray[np.uint8]:
    """The classes that reach most somewhere, in the order in which they do; blank or end, class 0, on top.

    Args:
        picture: LR ``(h, w, 3)`` uint8, drawn as wide as the map.
        probabilities: ``(K, T)`` in [0, 1].
        names: Of the K classes.
        most: Rows at most.

    Returns:
        ``(H, W, 3)`` uint8.
    """
    steps = probabilities.shape[1]
    step = max(1, round(WIDTH / steps))
    # Characters from top to bottom in the order of their peaks, so that the text reads diagonally.
    strongest = np.argsort(-probabilities.max(axis=1), kind="stable")[:most]
    order = sorted(strongest.tolist(), key=lambda k: (k > 0, int(probabilities[k].argmax())))
    # The picture above has the map's width, so that each step stands under what it sees.
    width = steps * step
    shown = Image.fromarray(picture).resize(
        (width, max(1, min(120, round(picture.shape[0] * width / picture.shape[1])))), Image.Resampling.NEAREST
    )
    sheet = Image.new("RGB", (LEFT + width + 2, shown.height + GAP + len(order) * CELL_HEIGHT + CELL_HEIGHT), PAPER)
    sheet.paste(shown, (LEFT, 0))

    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(13)
    top = shown.height + GAP
    for row, k in enumerate(order):
        y = top + row * CELL_HEIGHT
        draw.text((2, y + 1), names[k], INK, font=font)
        colours = heat(probabilities[k])[None].repeat(CELL_HEIGHT - 2, axis=0).repeat(step, axis=1)
        sheet.paste(Image.fromarray(colours), (LEFT, y))

    bottom = top + len(order) * CELL_HEIGHT
    draw.text((LEFT, bottom), f"{steps} steps; white 0, dark 1", FAINT, font=font)
    return np.asarray(sheet)
