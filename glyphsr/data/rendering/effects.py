"""Ink on ground: outlines, shadows, raised edges, changing and worn ink."""

import cv2
import numpy as np
from numpy.typing import NDArray

from glyphsr.config.rendering import RenderConfig
from glyphsr.data.rendering.backgrounds import Picture, clouds
from glyphsr.data.rendering.colours import Colour, Palette
from glyphsr.data.rendering.random_choices import RandomChoices

Coverage = NDArray[np.float32]
"""``(H, W)`` in [0, 1]."""


def alpha_composite(picture: Picture, coverage: Coverage, colour: Colour | Picture) -> None:
    """Cover a picture with a colour, in place."""
    if colour.ndim == 1:
        colour = colour[:, None, None]
    picture += coverage * (colour - picture)


def _shifted(coverage: Coverage, x: float, y: float) -> Coverage:
    move = np.array([[1, 0, x], [0, 1, y]], np.float32)
    return np.asarray(cv2.warpAffine(coverage, move, coverage.shape[::-1]), np.float32)


def ink_text(
    picture: Picture, coverage: Coverage, palette: Palette, *, draws: RandomChoices, config: RenderConfig
) -> None:
    """Draw a text, in place; what surrounds the letters is no part of their masks.

    Args:
        picture: The ground.
        coverage: Of the letters.
        palette: Ink, and the second colour of outlines and gradients.
        draws: Source of every draw.
        config: Fractions of the effects.
    """
    unit = picture.shape[1] / 32  # a pixel at line height 32

    # Behind the ink: a shadow, an outline.
    if draws.happens(config.shadow_prob):
        reach = unit * draws.between((0.5, 2.5))
        angle = draws.between((0, 2 * np.pi))
        shadow = _shifted(coverage, reach * np.cos(angle), reach * np.sin(angle))
        if draws.happens(0.6):
            shadow = np.asarray(cv2.GaussianBlur(shadow, (0, 0), unit * draws.between((0.4, 1.5))), np.float32)
        dark = np.full(3, draws.between((0, 0.3)), np.float32) if draws.happens(0.8) else palette.second
        alpha_composite(picture, shadow * np.float32(draws.between((0.3, 0.9))), dark)

    if draws.happens(config.outline_prob):
        side = 2 * round(unit * draws.between((0.6, 1.6))) + 1
        around = cv2.dilate(coverage, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)))
        alpha_composite(picture, np.asarray(around, np.float32), palette.second)

    # The ink itself, plain or with a gradient, whole or worn off.
    ink: Colour | Picture = palette.ink
    if draws.happens(config.gradient_prob):
        change = np.linspace(0, draws.between((0.2, 0.7)), picture.shape[1], dtype=np.float32)
        change = change if draws.happens(0.5) else change[::-1]
        ink = palette.ink[:, None, None] + change[:, None] * (palette.second - palette.ink)[:, None, None]

    if draws.happens(config.worn_prob):
        cells = (draws.number(6, 20), draws.number(12, 80))
        holes = 1.2 + 0.9 * clouds(coverage.shape, cells, draws)
        coverage = coverage * np.clip(holes, draws.between((0.3, 0.7)), 1)

    alpha_composite(picture, coverage, ink)

    # Light on its edges.
    if draws.happens(config.bevel_prob):
        angle, strength = draws.between((0, 2 * np.pi)), draws.between((0.1, 0.35))

        x, y = unit * np.cos(angle), unit * np.sin(angle)
        picture += strength * (_shifted(coverage, x, y) - _shifted(coverage, -x, -y)) * coverage
