"""Curves of a training run."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT, LEFT, BELOW, ABOVE = 560, 200, 64, 24, 8
PAPER, FAINT, GRID, LINE = (255, 255, 255), (120, 120, 120), (232, 232, 232), (30, 90, 180)
TICKS = 4


def curve_chart(steps: Sequence[float], values: Sequence[float | None]) -> NDArray[np.uint8]:
    """One curve with its axes; what is no number leaves a gap.

    Args:
        steps: Across, growing.
        values: One for each step.

    Returns:
        ``(200, 560, 3)`` uint8.
    """
    sheet = Image.new("RGB", (WIDTH, HEIGHT), PAPER)
    draw = ImageDraw.Draw(sheet)
    font, small = ImageFont.load_default(14), ImageFont.load_default(11)

    known = [value for value in values if value is not None and math.isfinite(value)]
    if not known:
        draw.text((LEFT, HEIGHT // 2), "no numbers", FAINT, font=font)
        return np.asarray(sheet)
    # Axes from the least to the greatest value; a flat curve gets some room.
    low, high = min(known), max(known)
    if low == high:
        low, high = low - 0.5 if low < 0 else max(0.0, low - 0.5), high + 0.5  # a loss is never below 0
    first, last = min(steps), max(max(steps), min(steps) + 1)

    def x(step: float) -> float:
        return LEFT + (step - first) / (last - first) * (WIDTH - LEFT - 12)

    def y(value: float) -> float:
        return ABOVE + (high - value) / (high - low) * (HEIGHT - ABOVE - BELOW)

    # Grid and labels.
    written: set[str] = set()
    for tick in range(TICKS + 1):
        level, place = low + (high - low) * tick / TICKS, first + (last - first) * tick / TICKS
        draw.line((LEFT, y(level), WIDTH - 12, y(level)), GRID)
        draw.text((4, y(level) - 7), f"{level:.4g}", FAINT, font=small)

        label = f"{place:.0f}"
        shift = small.getlength(label) * tick / TICKS
        if label not in written:  # of few steps several ticks are the same
            draw.text((x(float(label)) - shift, HEIGHT - BELOW + 6), label, FAINT, font=small)
        written.add(label)
    # The curve, in stretches without gaps.
    stretch: list[tuple[float, float]] = []
    for step, value in zip(steps, values, strict=True):
        if value is not None and math.isfinite(value):
            stretch.append((x(step), y(value)))
            continue
        _stroke(draw, stretch)
        stretch = []
    _stroke(draw, stretch)
    return np.asarray(sheet)


def _stroke(draw: ImageDraw.ImageDraw, points: list[tuple[float, float]]) -> None:
    if len(points) > 1:
        draw.line(points, LINE, width=2)
    elif points:
        (cx, cy), radius = points[0], 2
        draw.ellipse((cx - radius, cy - radius, cx + radius, cy + radius), fill=LINE)
