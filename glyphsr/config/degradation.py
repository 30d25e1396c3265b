"""How low resolution is made from high resolution."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from glyphsr.config.base import FORMERLY_SHARES, Config
from glyphsr.config.ranges import Fraction, FractionEnds, FractionRange

KernelName = Literal["area", "bilinear", "bicubic", "lanczos", "nearest"]

Lengths = tuple[Annotated[float, Field(ge=0, le=32)], Annotated[float, Field(ge=0, le=32)]]
"""Value at difficulty 0 and at difficulty 1; no longer than the line is high."""

Amount = Annotated[float, Field(ge=0, le=5)]
Ratio = Annotated[float, Field(ge=1, le=10)]
Quality = Annotated[float, Field(ge=1, le=100)]

LEVELS: dict[str, tuple[float, float]] = {"easy": (0.4, 0.6), "medium": (0.55, 0.8), "hard": (0.7, 1.0)}
"""Difficulties whose blur is about that of IIIT5K-LR's three levels."""


class DegradationConfig(Config):
    """Effects by difficulty: 0 is down-sampling and nothing else, 1 the hardest.

    Each picture has a difficulty. Settings in pairs are values at difficulty 0 and at difficulty 1, and change evenly
    between them. Lengths are HR pixels at line height 32 and grow with the line.
    """

    model_config = FORMERLY_SHARES

    difficulty: FractionRange = (0.4, 1.0)
    """Of ordinary pictures: one number, or the least and the greatest."""
    mild_prob: Fraction = 0.15
    """Fraction of pictures that are nearly sharp, so that what is readable is left alone."""
    mild_difficulty: FractionRange = (0.0, 0.4)
    """Of those."""
    spread: Fraction = 0.15
    """How far the strength of each effect varies around its picture's difficulty, as a fraction of it."""
    blur_sigma: Lengths = (0.2, 3.4)
    """Gaussian blur."""
    anisotropy: tuple[Ratio, Ratio] = (1.0, 1.35)
    """Greatest ratio of horizontal to vertical blur, or the inverse."""
    defocus_prob: FractionEnds = (0.0, 0.15)
    """Pictures whose blur is a disc, as of a lens, with the deviation of the Gaussian that it replaces."""
    motion_prob: FractionEnds = (0.0, 0.2)
    """Pictures with motion blur on top."""
    motion_length: Lengths = (1.0, 7.0)
    """Greatest length of the motion."""
    shift: Lengths = (0.0, 0.75)
    """Greatest sub-pixel shift in each direction."""
    kernels: Annotated[tuple[KernelName, ...], Field(min_length=1)] = ("area", "bilinear", "bicubic", "lanczos")
    """Down-sampling kernels, evenly often (repeat one to see it more); all but ``nearest`` smooth."""
    noise_before_prob: FractionEnds = (0.0, 0.4)
    """Pictures with noise before down-sampling."""
    noise_before: FractionEnds = (0.0, 0.04)
    """Greatest deviation of that, on a scale of 1."""
    noise_after: FractionEnds = (0.0, 0.022)
    """Greatest deviation of the noise after down-sampling, at half of full brightness and on a scale of 1."""
    gray_noise_prob: Fraction = 0.4
    """Pictures whose noise is the same in all channels."""
    shot_noise: Fraction = 0.5
    """How far the variance of the noise after it follows brightness, as that of a sensor does."""
    ringing_prob: FractionEnds = (0.0, 0.08)
    """Pictures that a camera or program sharpened: halos beside edges."""
    ringing: tuple[Amount, Amount] = (0.0, 1.2)
    """Greatest amount of that."""
    contrast: FractionEnds = (1.0, 0.8)
    """Least factor on the distance from the picture's mean."""
    saturation: FractionEnds = (1.0, 0.85)
    """Least factor on colour."""
    brightness: FractionEnds = (0.0, 0.08)
    """Greatest change of the mean, on a scale of 1."""
    compression_prob: FractionEnds = (0.0, 0.9)
    """Pictures that were compressed."""
    webp_prob: Fraction = 0.08
    """Those of them that are WebP instead of JPEG."""
    quality: tuple[Quality, Quality] = (98.0, 25.0)
    """Least quality of JPEG and WebP; the greatest is that at difficulty 0."""
    double_prob: FractionEnds = (0.0, 0.25)
    """Compressed pictures that were compressed before, as JPEG with another grid of blocks."""
    second_order_prob: FractionEnds = (0.0, 0.15)
    """Pictures that went through another round: made smaller, brought back, compressed."""
    second_order_size: Annotated[float, Field(ge=0.1, le=1)] = 0.65
    """Least size of that round, as a fraction of LR."""

    @model_validator(mode="after")
    def _check(self) -> "DegradationConfig":
        if self.quality[0] < self.quality[1]:
            raise ValueError(f"quality: expected the higher one first, that at difficulty 0, got {list(self.quality)}")
        return self
