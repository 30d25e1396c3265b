"""The small dataclasses that travel between rooms.

Letters are those of ``docs/glossary.md``: **B** batch, **C** channels, **h w** LR size, **H W** HR size,
**L** character slots, **K** classes of the text prior, **T** recognizer steps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:  # torch and numpy stay out of the way of `glyphsr --help`
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

ProgressCallback: TypeAlias = Callable[[int, int], None]
"""Called with the number of items that are done, and of all items."""


@dataclass(frozen=True, eq=False)
class Sample:
    """One word image with its text, nothing normalised yet."""

    id: str
    """Where it came from, e.g. ``easy/000017``."""
    hr: NDArray[np.uint8]
    """``(H, W, 3)`` uint8 RGB."""
    label: str
    """The text, case kept."""
    lr: NDArray[np.uint8] | None = None
    """``(h, w, 3)`` uint8 RGB, or ``None`` where the degradation makes it on the fly."""
    line: NDArray[np.bool_] | None = None
    """``(H, W)`` mask of the text, ``None`` where there is none to learn from."""
    chars: NDArray[np.bool_] | None = None
    """``(L, H, W)``: one mask per character of the label that is no space; ``None`` where there are none."""


@dataclass(frozen=True, eq=False)
class GlyphTargets:
    """What the Glyph Perception Module should see in the words of a batch."""

    line: Tensor
    """``(B, 1, h, w)`` float32 in [0, 1]: fraction of each LR pixel that the HR mask covers."""
    chars: Tensor
    """``(B, L, h, w)`` likewise, one slot per character that the slots are for; zero in the slots after them."""
    masked: Tensor
    """``(B,)`` bool: the words that have masks; those of the others are zero and teach nothing."""


@dataclass(frozen=True, eq=False)
class Batch:
    """Samples stacked for the network."""

    ids: tuple[str, ...]
    """Where each image came from."""
    lr: Tensor
    """``(B, 3, h, w)`` float32 in [0, 1]."""
    hr: Tensor
    """``(B, 3, H, W)`` float32 in [0, 1]."""
    labels: tuple[str, ...]
    """The true texts, case kept."""
    glyphs: GlyphTargets | None = None
    """Masks at LR size, ``None`` where nothing is learned from them."""
    positions: tuple[int, ...] = ()
    """Where each sample stands in the whole batch, where this is a part of one."""
    global_size: int = 0
    """Samples of the whole batch."""
    longest_label: int | None = None
    """Characters of the longest label of the whole batch; ``None`` for that of this part."""


@dataclass(frozen=True, eq=False)
class GlyphOutput:
    """What the Glyph Perception Module saw; a field is ``None`` where its head was switched off or skipped."""

    line: Tensor | None
    """``(B, 1, h, w)`` raw line map (no activation; regressed to [0, 1] by MSE)."""
    chars: Tensor | None
    """``(B, L, h, w)`` raw character maps, one slot each."""
    classes: Tensor | None
    """``(B, L, D)`` character class logits."""


@dataclass(frozen=True, eq=False)
class SROutput:
    """Result of the super-resolution network."""

    sr: Tensor
    """``(B, C, H, W)`` super-resolved image, not clipped to [0, 1]."""
    glyphs: GlyphOutput | None
    """Glyph maps and classes, ``None`` where the GPM did not run."""
    readings: tuple[Tensor, ...] = ()
    """Logits ``(B, T, K)`` of each text that a network with readers of its own read on its way to the picture."""


@dataclass(frozen=True)
class Reading:
    """What a recognizer or an OCR engine read in one image."""

    text: str
    confidence: float
    """In [0, 1]; for our recognizers the product of the probabilities of the steps that make up the text."""
    raw: str | None = None
    """What was read before a word list replaced some of it; ``None`` where nothing was replaced."""


@dataclass(frozen=True)
class GlyphRecord:
    """How one character's mask came about; lengths are pixels of the stored HR picture."""

    char: str
    points: tuple[tuple[float, float], ...]
    """Key points ``(x, y)``: of the attention, and of the glyph attention."""
    source: str
    """What located it: ``attention`` or ``cuts``."""
    anchor: tuple[float, float] | None
    """The prompt whose mask was chosen."""
    confidence: float
    """Of the mask, as its segmenter gives it; SAM's predicted IoU may exceed 1."""
    iou: float | None
    """With the glyph attention, ``None`` where that was unusable."""
    fallback: str | None
    """Why the paper's rule did not choose this mask, ``None`` where it did."""


@dataclass(frozen=True, eq=False)
class Extraction:
    """Glyph masks of one word, and how they came about."""

    text: str
    """The characters that have a mask, in reading order: the label without its spaces."""
    line: NDArray[np.bool_]
    """``(H, W)``: union of the characters."""
    chars: NDArray[np.bool_]
    """``(L, H, W)``: one mask per character of ``text``; no rows where the word was rejected."""
    glyphs: tuple[GlyphRecord, ...]
    quality: float
    """In [0, 1]: how far the masks can be trusted; 0 where the word was rejected."""
    rejected: str | None = None
    """Why there are no masks."""
    problem: str | None = None
    """What exactly is wrong with a picture or label that cannot be read."""
