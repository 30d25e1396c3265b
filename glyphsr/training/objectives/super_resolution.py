"""What a step of training minimises: the loss terms of one batch, each by name."""

import copy
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from glyphsr.config.training import TrainConfig
from glyphsr.losses.ctc import ctc_loss
from glyphsr.losses.glyph import class_loss, mask_loss
from glyphsr.losses.gradient_profile import gradient_profile_loss
from glyphsr.losses.hog import hog_loss
from glyphsr.losses.pixel import pixel_loss
from glyphsr.losses.text_prior import text_prior_loss
from glyphsr.models.protocols import GlyphNetwork, PartlyTaughtNetwork
from glyphsr.models.recognizers.protocols import CTCRecognizer
from glyphsr.models.super_resolver import SuperResolver
from glyphsr.models.text_prior import TextPriorGenerator
from glyphsr.text.endings import IGNORED
from glyphsr.text.slots import CharacterSlots, SlotCodec
from glyphsr.training.objectives.base import LossTerms, Objective
from glyphsr.training.objectives.ocr import CTCNetwork, FrozenReaders
from glyphsr.training.objectives.text_focus import TextFocus
from glyphsr.types import Batch, GlyphOutput

COLUMN_SLOTS = 64
"""Slots of the masks from which columns get their characters; what does not fit says nothing."""


class SuperResolutionObjective(Objective[SuperResolver]):
    """The network, guided by the prior; the prior learns too where one of its losses has weight.

    Args:
        model: Network and prior.
        config: The run.
        focus: The text-focus terms of each recognizer, where they have weight.
        ocr: Recognizers of the OCR term, where it has weight.
    """

    def __init__(
        self,
        model: SuperResolver,
        config: TrainConfig,
        focus: Sequence[TextFocus] = (),
        ocr: Sequence["CTCNetwork"] = (),
    ) -> None:
        super().__init__(model)
        self.loss = config.loss
        self.prior_drop = config.prior_drop
        self.trains_prior = config.trains_prior
        self.given_text_share = config.given_text_share
        self.ocr = FrozenReaders(ocr)
        self.tasks = config.glyph_tasks
        self.slots = slot_codec(config)
        self.focus = nn.ModuleList(focus)
        self.teacher: nn.Module | None = None
        if model.prior is not None:
            model.prior.requires_grad_(bool(config.loss.text_prior or config.loss.ctc))
            if config.loss.text_prior:
                self.teacher = copy.deepcopy(model.prior).requires_grad_(False)
        if isinstance(model.network, GlyphNetwork):
            for module in model.network.idle_parts(line=self.tasks.line, char=self.tasks.char, cls=self.tasks.cls):
                module.requires_grad_(False)
        elif isinstance(model.network, PartlyTaughtNetwork):
            for module in model.network.untaught:
                module.requires_grad_(False)

    def clip_parameters(self) -> Iterable[nn.Parameter]:
        """The network's; the lineage does not clip the prior's."""
        return self.model.network.parameters()

    def forward(self, batch: Batch) -> LossTerms:
        """SR terms, glyph terms and the prior's, as configured."""
        terms: LossTerms = {}
        prior = None if self.model.prior is None else self._prior(self.model.prior, batch, terms)
        sr, glyphs = self._super_resolve(batch.lr, prior)
        hr = self.model.network_input(batch.hr)
        loss = self.loss
        if loss.pixel:
            terms["pixel"] = loss.scale * loss.pixel * pixel_loss(sr, hr)
        if loss.gradient:
            terms["gradient"] = loss.scale * loss.gradient * gradient_profile_loss(sr[:, :3], hr[:, :3])
        if loss.hog:
            terms["hog"] = loss.scale * loss.hog * hog_loss(sr, hr, binning=loss.hog_binning)
        for number, focus in enumerate(self._focus()):
            seen = focus(sr[:, :3], batch)
            weight = loss.scale * loss.text_focus / len(self.focus)
            if seen.attention is not None:
                terms[_numbered("attention", number)] = weight * loss.attention * seen.attention
            if loss.confusion:
                terms[_numbered("confusion", number)] = weight * loss.confusion * seen.confusion
        if loss.ocr:
            terms["ocr"] = loss.ocr * self.ocr(sr[:, :3], batch.labels)
        if any(self.tasks):
            assert glyphs is not None
            self._glyph_terms(glyphs, batch, terms)
        return terms

    def counts(self, batch: Batch) -> dict[str, int]:
        """Words, words with masks, slots, characters that each text-focus recognizer is told."""
        loss, words = self.loss, len(batch.ids)
        names = ("ctc", "text_prior", "pixel", "gradient", "hog", "ocr")
        counts = {name: words for name in names if getattr(loss, name)}
        for number, focus in enumerate(self._focus()):
            focused, characters = focus.counts(batch)
            counts |= {_numbered("attention", number): focused} if loss.attention else {}
            counts |= {_numbered("confusion", number): characters} if loss.confusion else {}
        if self.tasks.line or self.tasks.char:
            assert batch.glyphs is not None
            masked = int(batch.glyphs.masked.sum())
            counts |= ({"line": masked} if self.tasks.line else {}) | ({"char": masked} if self.tasks.char else {})
        if self.tasks.cls:
            assert self.slots is not None
            rows = [self.slots.encode(label) for label in batch.labels]
            counts["cls"] = sum(index != IGNORED for row in rows for index in row)
        return counts

    def _focus(self) -> list[TextFocus]:
        return [focus for focus in self.focus if isinstance(focus, TextFocus)]

    def _super_resolve(self, lr: Tensor, prior: Tensor | None) -> tuple[Tensor, GlyphOutput | None]:
        network, picture = self.model.network, self.model.network_input(lr)
        if isinstance(network, GlyphNetwork):
            out = network.perceive(picture, prior, with_glyphs=any(self.tasks))
        else:
            out = network(picture, prior)
        return out.sr.float(), out.glyphs

    def _prior(self, generator: TextPriorGenerator, batch: Batch, terms: LossTerms) -> Tensor:
        """The text prior ``(B, K, 1, T)``; its own losses join ``terms``."""
        recognizer = generator.recognizer
        prior: Tensor
        if self.loss.ctc:
            assert isinstance(recognizer, CTCRecognizer)
            heads = recognizer(recognizer.prepare(batch.lr))
            heads = heads if isinstance(heads, tuple) else (heads,)
            logits = heads[0]  # (T, B, K)
            prior = torch.cat([head.float().softmax(dim=2) for head in heads], dim=2).permute(1, 2, 0).unsqueeze(2)
            terms["ctc"] = self.loss.ctc * ctc_loss(logits, batch.labels, recognizer.codec)
        else:
            given = round(self.given_text_share * (batch.global_size or len(batch.lr)))  # of the whole batch
            numbers = batch.positions or tuple(range(len(batch.lr)))
            texts = [label if number < given else None for number, label in zip(numbers, batch.labels, strict=True)]
            with torch.set_grad_enabled(self.trains_prior):
                prior = self.model.text_prior(batch.lr, texts).guide
        if self.teacher is not None:
            with torch.no_grad():
                teacher = self.teacher(batch.hr)
            terms["text_prior"] = self.loss.text_prior * text_prior_loss(prior.float(), teacher.float())
        if self.prior_drop and self.training:
            dropped = int(self.prior_drop * (batch.global_size or len(prior)))  # of the whole batch, as published
            places = torch.tensor(batch.positions or range(len(prior)), device=prior.device)
            prior = prior * (places >= dropped)[:, None, None, None]
        return prior

    def _glyph_terms(self, glyphs: GlyphOutput, batch: Batch, terms: LossTerms) -> None:
        """Words without masks teach classes alone."""
        loss, targets = self.loss, batch.glyphs
        if self.tasks.line or self.tasks.char:
            assert targets is not None
            rows = slice(None) if targets.masked.all() else targets.masked.nonzero()[:, 0].to(batch.lr.device)
            if self.tasks.line:
                assert glyphs.line is not None
                line = mask_loss(glyphs.line.float()[rows], targets.line[rows])
                terms["line"] = loss.glyph * loss.line * line
            if self.tasks.char:
                assert glyphs.chars is not None
                char = mask_loss(glyphs.chars.float()[rows], targets.chars[rows])
                terms["char"] = loss.glyph * loss.char * char
        if self.tasks.cls:
            assert glyphs.classes is not None
            assert self.slots is not None
            texts = [self.slots.encode(label) for label in batch.labels]
            classes = torch.tensor(texts, device=glyphs.classes.device)
            terms["cls"] = loss.glyph * loss.cls * class_loss(glyphs.classes.float(), classes)


def _numbered(term: str, number: int) -> str:
    """A text-focus term of the first recognizer, or of one after it."""
    return f"{term}_{number + 1}" if number else term


def target_slots(config: TrainConfig) -> SlotCodec | CharacterSlots | None:
    """Slots of the masks that a run learns from; ``None`` where it learns from none."""
    if not config.teaches_masks:
        return None
    return CharacterSlots(COLUMN_SLOTS) if config.loss.columns else slot_codec(config)


def slot_codec(config: TrainConfig) -> SlotCodec | None:
    """How the network's character slots are filled; ``None`` where it has none."""
    gpm = getattr(config.model.network, "gpm", None)
    return None if gpm is None else SlotCodec(gpm.num_slots, gpm.class_order)
