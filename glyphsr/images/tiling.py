"""Geometry of line mode: the scale the network works at, overlapping windows, and the way back to any size."""

from dataclasses import dataclass

import numpy as np

from glyphsr.config.trunk import TrunkConfig
from glyphsr.images.resize import FloatImage, resize
from glyphsr.safe_reading.limits import PICTURE_PIXELS

MIN_SIDE = 4
"""Pictures with a side below this hold no text; they are enlarged by bicubic alone."""

MIN_ASPECT = 0.1
"""Likewise narrower than this fraction of their height."""

SIZE_MULTIPLE = (4, 8)
"""Lines are stretched to multiples of this (height, width), so that lines of like size share a batch. Padded by their
borders instead, the package's prior read 70.6% instead of 73.2% of held-out words of 16 rows, and 65% instead of 75% of
17 rows: strokes that touch the border run on."""

BICUBIC_MIN_SCALE = 0.6
"""Fraction of its length from which the network's change is reduced by bicubic. An average over little more than one
pixel blurs the change: `tesseract` gained 331 held-out words and lost 14 by area, 338 and 11 by bicubic."""

GROUND = (5, 50, 95)
"""Percentiles of a line: its darkest and lightest parts without noise, and its ground."""

MIN_CONTRAST = 4 / 255
"""Between both, from which background can be distinguished from ink."""

OVERLAP = 0.25
"""Least fraction of a window that the next one sees again."""


@dataclass(frozen=True)
class TilePlan:
    """How one line passes through the network."""

    height: int
    """Height in pixels at which the network sees the line."""
    width: int
    """Width in pixels at which it does."""
    starts: tuple[int, ...]
    """Left edges of the windows, in those pixels."""
    window: int
    """Width of each window, a multiple of the quantum; lines narrower than a network's one size are padded up to it."""


def plan_tiles(height: int, width: int, config: TrunkConfig) -> TilePlan | None:
    """Plan a line of the given size; ``None`` where there is no text for the network to see.

    Args:
        height: Of the picture, in pixels.
        width: Likewise.
        config: Tells which heights the network knows and how wide its windows are.
    """
    if min(height, width) < MIN_SIDE or width < MIN_ASPECT * height:
        return None

    # The network sees lines of a height that it was trained for.
    line_height = _up(min(max(height, config.min_height), config.max_height), SIZE_MULTIPLE[0])
    line_width = max(1, round(width * line_height / height))
    if 4 * line_height * line_width > PICTURE_PIXELS.value:  # no line of text; its result would fill the memory
        return None

    # Short lines are one window.
    window = _up(round(config.window_aspect * line_height), SIZE_MULTIPLE[1])
    if line_width <= window:
        if config.fixed_size is None:
            line_width = window = _up(line_width, SIZE_MULTIPLE[1])
        return TilePlan(line_height, line_width, (0,), window)

    # Longer ones are windows at equal distances, which overlap at least so much.
    stride = window - round(OVERLAP * window)
    count = 1 + -(-(line_width - window) // stride)
    starts = np.linspace(0, line_width - window, count).round().astype(int)
    return TilePlan(line_height, line_width, tuple(starts.tolist()), window)


def _up(length: int, quantum: int) -> int:
    return -(-length // quantum) * quantum


def cut_tiles(line: FloatImage, plan: TilePlan) -> list[FloatImage]:
    """Windows ``(height, window, 3)`` of a line already at the plan's size, its right border repeated as padding."""
    padded = np.pad(line, ((0, 0), (0, max(0, plan.window - plan.width)), (0, 0)), mode="edge")
    return [padded[:, start : start + plan.window] for start in plan.starts]


def blend_tiles(windows: list[FloatImage], plan: TilePlan, *, factor: int = 2) -> FloatImage:
    """Put processed windows together, weighing each down linearly towards its inner edges.

    Args:
        windows: ``(factor * height, factor * window, 3)`` each, in the plan's order, or of one row that
            stands for all.
        plan: Where they were cut.
        factor: How much larger they became.

    Returns:
        ``(factor * height, factor * width, 3)``.
    """
    width = factor * plan.width

    if len(windows) == 1:
        return windows[0][:, :width]

    size = factor * plan.window
    # A weighted mean: sums of what windows show, and of their weights.
    total = np.zeros((len(windows[0]), width, 3), np.float32)
    weights = np.zeros((1, width, 1), np.float32)
    starts = [factor * start for start in plan.starts]
    for i, (window, start) in enumerate(zip(windows, starts, strict=True)):
        weight = np.ones(size, np.float32)

        # Inner edges fade linearly.
        if i > 0:
            shared = starts[i - 1] + size - start
            weight[:shared] = (np.arange(shared) + 0.5) / shared

        if i + 1 < len(starts):
            shared = start + size - starts[i + 1]
            weight[size - shared :] = np.minimum(weight[size - shared :], 1 - (np.arange(shared) + 0.5) / shared)

        total[:, start : start + size] += window * weight[:, None]
        weights[:, start : start + size] += weight[:, None]

    return total / weights


def novel_residual(picture: FloatImage, line: FloatImage, change: FloatImage) -> FloatImage:
    """The network's change, less the detail that a tall picture shows anyway.

    A picture taller than the network's lines was reduced for it. Where it was blurred, nothing was lost by that and
    the whole change is wanted; where it was sharp, it knows its own detail better than the network guesses it, and
    adding the guess would draw every edge twice.

    Args:
        picture: The picture at twice the line's size.
        line: What the network saw, enlarged by bicubic to that size.
        change: The network's result minus ``line``.

    Returns:
        The part of the change to add to ``picture``.
    """
    own = picture - line
    energy = float(np.square(change).mean())
    wanted = 1.0 - float(np.square(own).mean()) / energy if energy > 0 else 0.0
    return np.float32(max(0.0, wanted)) * (change - own)


def add_residual(
    picture: FloatImage,
    line: FloatImage,
    sr: FloatImage,
    *,
    size: tuple[int, int],
    strength: float,
) -> FloatImage:
    """Bicubic enlargement plus the network's change, at the asked size.

    Args:
        picture: The picture as given, ``(H, W, 3)``.
        line: What the network saw, ``(h, w, 3)``; smaller than ``picture`` if that was taller than the network's lines.
        sr: The network's result, ``(2h, 2w, 3)``.
        size: ``(height, width)`` of the result.
        strength: Fraction of the change that is applied, 0..1.

    Returns:
        ``(*size, 3)`` in [0, 1].
    """
    # The change is what the network drew beyond bicubic, at twice its own size.
    doubled = (sr.shape[0], sr.shape[1])
    plain = resize(line, doubled)
    change = sr - plain
    # A tall picture was made smaller for the network, and keeps the detail that it had.
    if picture.shape[0] > line.shape[0]:
        change = novel_residual(resize(picture, doubled), plain, change)
    # At the asked size.
    plain = resize(picture, size)
    result = plain + strength * resize(change, size, averaged=BICUBIC_MIN_SCALE)
    return within_ground(result, picture, plain).clip(0, 1)


def within_ground(result: FloatImage, picture: FloatImage, plain: FloatImage) -> FloatImage:
    """The result without rings beside strokes that are lighter than light ground, or darker than dark one.

    Ink may become stronger than the blurred picture has it; the ground around it is there already.

    Args:
        result: ``(H, W, 3)``, not clipped.
        picture: As it was given, ``(h, w, 3)``.
        plain: That enlarged, ``(H, W, 3)``; where it goes beyond the picture itself, so may the result.
    """
    low, middle, high = np.percentile(picture, GROUND, axis=(0, 1))  # per channel
    is_light, shows = middle > (low + high) / 2, high - low > MIN_CONTRAST  # most of a line is ground
    upper = np.where(is_light & shows, np.maximum(high, plain), np.inf)
    lower = np.where(is_light | ~shows, -np.inf, np.minimum(low, plain))
    return np.asarray(np.clip(result, lower, upper), np.float32)
