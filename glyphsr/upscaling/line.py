"""A line to upscale, and what became of it."""

from dataclasses import dataclass

from glyphsr.guard.guard import Verdict
from glyphsr.images.resize import FloatImage
from glyphsr.images.tiling import TilePlan
from glyphsr.types import Reading


@dataclass(frozen=True, eq=False)
class Line:
    """One picture to upscale."""

    rgb: FloatImage
    """``(H, W, 3)`` float32 in [0, 1]."""
    size: tuple[int, int]
    """``(height, width)`` of the result."""
    text: str | None = None
    """What it says, where that is known."""


@dataclass(frozen=True, eq=False)
class UpscaledLine:
    """The result of one picture."""

    rgb: FloatImage
    """``(*size, 3)`` float32 in [0, 1]."""
    plan: TilePlan | None
    """How it passed through the network; ``None`` if bicubic alone was used."""
    readings: tuple[Reading, ...] = ()
    """What the text prior read in each window."""
    verdict: Verdict | None = None
    """The guard's, where there is one; a reverted line, and one that is left, is bicubic, a redrawn one another."""
