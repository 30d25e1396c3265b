"""A line to upscale, and what became of it."""

from dataclasses import dataclass, field

import numpy as np

from glyphsr.guard.guard import Verdict
from glyphsr.images.resize import FloatImage
from glyphsr.images.tiling import TilePlan
from glyphsr.reading.word_readings import WordReading
from glyphsr.types import Reading

UNCHANGED = 0.5 / 255
"""Mean change up to which a result is that of bicubic."""


@dataclass(frozen=True, eq=False)
class Line:
    """One picture to upscale."""

    rgb: FloatImage
    """``(H, W, 3)`` float32 in [0, 1]."""
    size: tuple[int, int]
    """``(height, width)`` of the result."""
    text: str | None = None
    """What it says, where that is known."""
    on_page: bool = False
    """Whether it was cut out of a page."""


@dataclass(frozen=True, eq=False)
class UpscaledLine:
    """The result of one picture."""

    rgb: FloatImage
    """``(*size, 3)`` float32 in [0, 1]."""
    plan: TilePlan | None
    """How it passed through the network; ``None`` if bicubic alone was used."""
    words: tuple[WordReading, ...] = field(default=())
    """What the text prior read, places in columns of the picture as given; none where there is no prior."""
    change: float = 0.0
    """Mean absolute difference to bicubic, on a scale of 1."""
    verdict: Verdict | None = None
    """The guard's, where it looked; a reverted line is bicubic."""
    is_sure: bool = True
    """Whether the network was given a text to draw, or needs none; other lines it sharpens as they are seen."""

    @property
    def reading(self) -> Reading | None:
        """What the text prior read in the whole line; ``None`` where it read nothing."""
        if not self.words:
            return None
        text = " ".join(word.text for word in self.words)
        raw = " ".join(word.raw for word in self.words)
        # A line is right where all its words are.
        confidence = float(np.prod([word.confidence for word in self.words]))
        return Reading(text, confidence, raw if raw != text else None)

    @property
    def is_changed(self) -> bool:
        """Whether the result differs from bicubic by more than rounding."""
        return self.change > UNCHANGED
