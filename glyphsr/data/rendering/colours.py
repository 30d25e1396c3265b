"""Colours of ink and ground as on signs, print and screens."""

import colorsys
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glyphsr.config.rendering import RenderConfig
from glyphsr.data.rendering.random_choices import RandomChoices
from glyphsr.images.luma import LUMA

SIGN_HUES = (0.0, 0.02, 0.08, 0.13, 0.15, 0.33, 0.4, 0.57, 0.6, 0.62, 0.65)
"""Reds, oranges, yellows, greens and blues of signs, as hues of a circle of 1."""

Colour = NDArray[np.float32]
"""``(3,)`` RGB on a scale of 1."""


@dataclass(frozen=True, eq=False)
class Palette:
    """Colours of one word."""

    background: Colour
    ink: Colour
    second: Colour
    """Of outlines, frames and the other end of a gradient."""


def coloured(hue: float, saturation: float, luma: float) -> Colour:
    """The colour of a hue and saturation that is as bright as asked for.

    Args:
        hue: 0 to 1.
        saturation: Before it is made as bright as asked for, 0 to 1.
        luma: 0 to 1.
    """
    pure = np.array(colorsys.hsv_to_rgb(hue, saturation, 1.0), np.float32)
    own = float(LUMA @ pure)
    # Darker by scaling, lighter by adding white: the hue stays.
    if own >= luma:
        return np.asarray(pure * (luma / own), np.float32)
    return np.asarray(pure + (1 - pure) * ((luma - own) / (1 - own)), np.float32)


def choose_palette(draws: RandomChoices, config: RenderConfig) -> Palette:
    """Ink and ground whose brightness differs by a contrast drawn from the configured range."""
    # Brightness first: the contrast decides how hard a word is to read.
    contrast = config.contrast[0] + (config.contrast[1] - config.contrast[0]) * draws.unit() ** 0.9
    dark = (1 - contrast) * draws.unit()

    light_ink = draws.happens(config.light_on_dark_prob)
    background, ink = (dark, dark + contrast) if light_ink else (dark + contrast, dark)

    # Then hues, often those of signs.
    gray = draws.happens(config.gray_prob)
    hues = [draws.pick(SIGN_HUES) if draws.happens(0.6) else draws.unit() for _ in range(3)]
    strengths = [0.0 if gray else draws.between(config.colourfulness) for _ in range(3)]

    if not gray:  # mostly one of the two is white, black or near it
        plain = draws.number(0, 2)
        if plain < 2:
            strengths[plain] *= 0.25

    second = draws.unit()
    return Palette(*(coloured(h, s, b) for h, s, b in zip(hues, strengths, (background, ink, second), strict=True)))
