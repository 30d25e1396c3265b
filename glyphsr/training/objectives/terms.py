"""Terms of the loss of a super-resolution run: each is an object that knows its weight and what its mean runs over.

A new term is a class in a file of its own, a weight in :class:`glyphsr.config.losses.LossConfig`, and a line in
:data:`glyphsr.training.objectives.build.TERMS`.
"""

import copy
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from glyphsr.config.losses import LossConfig
from glyphsr.config.training import GlyphTasks
from glyphsr.losses.ctc import ctc_loss
from glyphsr.losses.glyph import class_loss, mask_loss
from glyphsr.losses.gradient_profile import gradient_profile_loss
from glyphsr.losses.hog import hog_loss
from glyphsr.losses.pixel import pixel_loss
from glyphsr.losses.text_prior import text_prior_loss
from glyphsr.text.ctc import CTCCodec
from glyphsr.text.endings import IGNORED
from glyphsr.text.slots import SlotCodec
from glyphsr.training.objectives.base import LossTerms
from glyphsr.training.objectives.ocr import FrozenReaders
from glyphsr.training.objectives.text_focus import TextFocus
from glyphsr.types import Batch, GlyphOutput


@dataclass(frozen=True, eq=False)
class ForwardPass:
    """One batch, and what the network and its prior made of it."""

    batch: Batch
    sr: Tensor
    """``(B, C, H, W)`` float32, not clipped."""
    hr: Tensor
    """``(B, C, H, W)``: HR as the network would be shown it."""
    glyphs: GlyphOutput | None
    """Of networks that perceive glyphs."""
    prior: Tensor | None
    """``(B, K, 1, T)``: the text prior before any of it is dropped."""
    prior_logits: Tensor | None
    """``(T, B, S)``: CTC's logits of the prior, where it learns by CTC."""
    readings: tuple[Tensor, ...] = ()
    """Logits ``(B, T, K)`` of the network's own readers."""


class LossTerm(nn.Module):
    """One term, or several that share a computation; modules that it holds learn only if their weights do."""

    def forward(self, seen: ForwardPass) -> LossTerms:
        """Each term's weighted mean over the batch, a scalar by its name."""
        raise NotImplementedError

    def counts(self, batch: Batch) -> dict[str, int]:
        """What the mean of each term runs over: words, characters or slots."""
        raise NotImplementedError

    def train(self, mode: bool = True) -> "LossTerm":
        """What does not learn stays in evaluation mode."""
        super().train(mode and any(parameter.requires_grad for parameter in self.parameters()))
        return self


class WordTerm(LossTerm):
    """A term whose mean runs over words, so that its count is the batch's.

    Args:
        weight: Factor on the mean.
    """

    name: ClassVar[str]
    """Of the term, and of its weight in the configuration."""

    def __init__(self, weight: float) -> None:
        super().__init__()
        self.weight = weight

    def mean(self, seen: ForwardPass) -> Tensor:
        """The mean, not weighted."""
        raise NotImplementedError

    def forward(self, seen: ForwardPass) -> LossTerms:
        """The weighted mean."""
        return {self.name: self.weight * self.mean(seen)}

    def counts(self, batch: Batch) -> dict[str, int]:
        """Words."""
        return {self.name: len(batch.ids)}


class PixelTerm(WordTerm):
    """Mean squared error (paper, eq. 6)."""

    name = "pixel"

    def mean(self, seen: ForwardPass) -> Tensor:
        """Of all channels."""
        return pixel_loss(seen.sr, seen.hr)


class GradientTerm(WordTerm):
    """Gradient profile of TSRN and TPGSR."""

    name = "gradient"

    def mean(self, seen: ForwardPass) -> Tensor:
        """Of RGB."""
        return gradient_profile_loss(seen.sr[:, :3], seen.hr[:, :3])


class HOGTerm(WordTerm):
    """Histograms of oriented gradients (paper, eq. 6).

    Args:
        weight: Factor on the mean.
        config: How gradients vote.
    """

    name = "hog"

    def __init__(self, weight: float, config: LossConfig) -> None:
        super().__init__(weight)
        self.config = config

    def mean(self, seen: ForwardPass) -> Tensor:
        """Of all channels."""
        return hog_loss(seen.sr, seen.hr, binning=self.config.hog_binning, differentiable=self.config.hog_gradient)


class OCRTerm(WordTerm):
    """CTC of frozen recognizers on SR.

    Args:
        weight: Factor on the mean.
        readers: The recognizers.
    """

    name = "ocr"

    def __init__(self, weight: float, readers: FrozenReaders) -> None:
        super().__init__(weight)
        self.readers = readers

    def mean(self, seen: ForwardPass) -> Tensor:
        """Of RGB."""
        loss: Tensor = self.readers(seen.sr[:, :3], seen.batch.labels)
        return loss


class PriorCTCTerm(WordTerm):
    """CTC of the text prior on LR.

    Args:
        weight: Factor on the mean.
        codec: Of the prior's recognizer.
    """

    name = "ctc"

    def __init__(self, weight: float, codec: CTCCodec) -> None:
        super().__init__(weight)
        self.codec = codec

    def mean(self, seen: ForwardPass) -> Tensor:
        """Against the labels."""
        assert seen.prior_logits is not None
        return ctc_loss(seen.prior_logits, seen.batch.labels, self.codec)


class TextPriorTerm(WordTerm):
    """The prior on LR against what it was on HR when the run began (TPGSR).

    Args:
        weight: Factor on the mean.
        generator: The text prior generator, of which a frozen copy is the teacher.
    """

    name = "text_prior"

    def __init__(self, weight: float, generator: nn.Module) -> None:
        super().__init__(weight)
        self.teacher = copy.deepcopy(generator).requires_grad_(False)

    def mean(self, seen: ForwardPass) -> Tensor:
        """L1 and KL."""
        assert seen.prior is not None
        with torch.no_grad():
            teacher = self.teacher(seen.batch.hr)
        return text_prior_loss(seen.prior.float(), teacher.float())


class TextFocusTerm(LossTerm):
    """Attention and confusion of one recognizer (paper, eq. 6); a single pass gives both.

    Args:
        focus: The recognizer.
        config: The weights.
        number: Which of several recognizers, from 0; names after the first carry it.
        total: How many there are; each has its equal part.
    """

    def __init__(self, focus: TextFocus, config: LossConfig, *, number: int, total: int) -> None:
        super().__init__()
        self.focus = focus
        self.config = config
        self.weight = config.scale * config.text_focus / total
        # The first recognizer's terms keep their plain names; several share the weight.
        self.suffix = f"_{number + 1}" if number else ""

    def forward(self, seen: ForwardPass) -> LossTerms:
        """Both, where they have weight."""
        # Recognizers read RGB; a mask channel is not part of the text.
        found = self.focus(seen.sr[:, :3], seen.batch)

        terms: LossTerms = {}
        if found.attention is not None:
            terms[f"attention{self.suffix}"] = self.weight * self.config.attention * found.attention
        if self.config.confusion:
            terms[f"confusion{self.suffix}"] = self.weight * self.config.confusion * found.confusion
        return terms

    def counts(self, batch: Batch) -> dict[str, int]:
        """Words for attention, characters and ends of texts for confusion."""
        words, characters = self.focus.counts(batch)

        counts = {f"attention{self.suffix}": words} if self.config.attention else {}
        return counts | ({f"confusion{self.suffix}": characters} if self.config.confusion else {})


class GlyphTerm(LossTerm):
    """Line map, character maps and classes (paper, eqs. 1 to 4); words without masks teach classes alone.

    Args:
        config: The weights.
        tasks: Which of the three are taught.
        slots: How the network's character slots are filled.
    """

    def __init__(self, config: LossConfig, tasks: GlyphTasks, slots: SlotCodec) -> None:
        super().__init__()
        self.config = config
        self.tasks = tasks
        self.slots = slots

    def forward(self, seen: ForwardPass) -> LossTerms:
        """Those that are taught."""
        config, glyphs, targets = self.config, seen.glyphs, seen.batch.glyphs
        assert glyphs is not None

        terms: LossTerms = {}
        if self.tasks.line or self.tasks.char:
            assert targets is not None
            # Only words with masks; known on the CPU, so that shapes need no wait for the device.
            rows = slice(None) if targets.masked.all() else targets.masked.nonzero()[:, 0].to(seen.sr.device)
            if self.tasks.line:
                assert glyphs.line is not None
                line = mask_loss(glyphs.line.float()[rows], targets.line[rows])
                terms["line"] = config.glyph * config.line * line
            if self.tasks.char:
                assert glyphs.chars is not None
                char = mask_loss(glyphs.chars.float()[rows], targets.chars[rows])
                terms["char"] = config.glyph * config.char * char

        # Classes come from the label, so words without masks teach them too.
        if self.tasks.cls:
            assert glyphs.classes is not None
            classes = torch.tensor(self._classes(seen.batch), device=glyphs.classes.device)
            terms["cls"] = config.glyph * config.cls * class_loss(glyphs.classes.float(), classes)
        return terms

    def counts(self, batch: Batch) -> dict[str, int]:
        """Words with masks for the maps, slots that are filled for the classes."""
        counts = {}
        if self.tasks.line or self.tasks.char:
            assert batch.glyphs is not None
            masked = int(batch.glyphs.masked.sum())
            counts = {name: masked for name in ("line", "char") if getattr(self.tasks, name)}

        if self.tasks.cls:
            counts["cls"] = sum(index != IGNORED for row in self._classes(batch) for index in row)
        return counts

    def _classes(self, batch: Batch) -> list[list[int]]:
        return [self.slots.encode(label) for label in batch.labels]
