"""What else gets into a crop at its borders: lines, frames, parts of other words."""

from dataclasses import dataclass, replace
from typing import Literal

import cv2
import numpy as np

from glyphsr.data.rendering.coverage import cover
from glyphsr.data.rendering.effects import Coverage
from glyphsr.data.rendering.layout import Layout, Margins, PlacedGlyph
from glyphsr.data.rendering.random_choices import RandomChoices

Kind = Literal["line", "frame", "letters"]
Side = Literal["left", "top", "right", "bottom"]

SIDES: tuple[Side, ...] = ("left", "top", "right", "bottom")


@dataclass(frozen=True)
class Clutter:
    """What stands at one border."""

    kind: Kind
    side: Side
    gap: float
    """Between it and the text, as a fraction of the text's height."""
    reach: float
    """How much of it is seen, likewise."""


def plan_clutter(draws: RandomChoices, probability: float) -> Clutter | None:
    """What to put where; chosen before the text is set, so that there is room.

    Args:
        draws: Chooses.
        probability: Of any clutter at all.
    """
    if not draws.happens(probability):
        return None

    kind = draws.pick_by({"letters": 0.5, "line": 0.35, "frame": 0.15})
    side: Side = draws.pick(SIDES)
    if kind == "letters":
        return Clutter("letters", side, draws.between((0.12, 0.35)), draws.between((0.06, 0.3)))
    return Clutter(
        "frame" if kind == "frame" else "line", side, draws.between((0.05, 0.2)), draws.between((0.03, 0.12))
    )


def with_room(margins: Margins, clutter: Clutter | None) -> Margins:
    """Margins between which a clutter fits."""
    if clutter is None:
        return margins
    room = clutter.gap + clutter.reach
    sides = SIDES if clutter.kind == "frame" else (clutter.side,)
    return replace(margins, **{side: max(room, getattr(margins, side)) for side in sides})


def cover_clutter(clutter: Clutter, layout: Layout, draws: RandomChoices) -> Coverage:
    """``(H, W)`` in [0, 1]: what the clutter covers; nothing of it is nearer to the text than its gap."""
    x0, y0, x1, y1 = layout.box
    tall = y1 - y0

    near, far = clutter.gap * tall, (clutter.gap + clutter.reach) * tall
    if clutter.kind == "letters":
        return _letters(clutter, layout, draws, near)

    # Bars at the sides as (left, top, right, bottom).
    height, width = layout.size
    canvas = np.zeros(layout.size, np.float32)
    lines = {
        "left": (x0 - far, 0.0, x0 - near, height),
        "right": (x1 + near, 0.0, x1 + far, height),
        "top": (0.0, y0 - far, width, y0 - near),
        "bottom": (0.0, y1 + near, width, y1 + far),
    }
    for side in lines if clutter.kind == "frame" else (clutter.side,):
        left, top, right, bottom = lines[side]
        np.maximum(canvas, np.outer(_covered(height, top, bottom), _covered(width, left, right)), out=canvas)

    return canvas


def _covered(count: int, start: float, end: float) -> Coverage:
    """How much of each pixel of a row an interval covers."""
    places = np.arange(count, dtype=np.float32)
    return np.asarray(np.clip(np.minimum(places + 1, end) - np.maximum(places, start), 0, 1), np.float32)


def _letters(clutter: Clutter, layout: Layout, draws: RandomChoices, near: float) -> Coverage:
    """Letters of the same font in a row beside, above or below the text."""
    x0, y0, x1, y1 = layout.box

    whole = np.zeros(layout.size, np.uint8)
    # A few of the word's own letters, in any order, until the border is passed.
    size = (y1 - y0) * draws.between((0.8, 1.2))
    x = draws.around(0, size) if clutter.side in ("top", "bottom") else 0.0
    for _ in range(12):
        shape = draws.pick(layout.glyphs).shape
        scale = size / max(shape.shape[0], 0.5 * shape.shape[1])
        wide, high = scale * shape.shape[1], scale * shape.shape[0]
        left = {"left": x0 - near - x - wide, "right": x1 + near + x}.get(clutter.side, x)
        top = {"top": y0 - near - high, "bottom": y1 + near}.get(clutter.side, y1 - high)
        into = np.array([[scale, 0, left], [0, scale, top], [0, 0, 1.0]])

        found = cover(PlacedGlyph("", shape, into, (left, top, left + wide, top + high)), layout.size)
        if found is not None:
            place, coverage = found
            whole[place] = cv2.add(whole[place], coverage)

        x += wide + 0.12 * size
        if x > layout.size[1] + size:
            break

    return whole.astype(np.float32) / np.float32(255)
