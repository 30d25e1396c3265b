"""The objective of a super-resolution run: one forward pass, and the terms that judge it."""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from glyphsr.config.training import TrainConfig
from glyphsr.models.protocols import GlyphNetwork, PartlyTaughtNetwork, PretrainedNetwork
from glyphsr.models.super_resolver import SuperResolver
from glyphsr.models.text_prior import TextPriorGenerator
from glyphsr.recognizers.protocols import CTCRecognizer
from glyphsr.text.slots import CharacterSlots, SlotCodec
from glyphsr.training.objectives.base import LossTerms, Objective
from glyphsr.training.objectives.terms import ForwardPass, LossTerm, TextPriorTerm
from glyphsr.types import Batch, SROutput

MAP_TERMS = ("line", "char")
"""Terms of the glyph maps."""

COLUMN_SLOTS = 64
"""Slots of the masks from which columns get their characters; what does not fit says nothing."""


class SuperResolutionObjective(Objective[SuperResolver]):
    """The network, guided by the prior; the prior learns too where one of its losses has weight.

    Args:
        model: Network and prior.
        config: The run.
        terms: What is minimised, in the order in which it is reported.
    """

    def __init__(self, model: SuperResolver, config: TrainConfig, terms: Sequence[LossTerm]) -> None:
        super().__init__(model)
        self.loss = config.loss
        self.prior_drop = config.prior_drop
        self.prior_from = config.prior_from
        self.trains_prior = config.trains_prior
        self.given_text_fraction = config.given_text_fraction
        self.tasks = config.glyph_tasks
        self.terms = nn.ModuleList(terms)
        self._terms = tuple(terms)

        # What no term reaches must not be among the trained parameters: its gradients would never come.
        if model.prior is not None:
            model.prior.requires_grad_(self.trains_prior)
        for module in self._idle_parts():
            module.requires_grad_(False)

    def _idle_parts(self) -> Sequence[nn.Module]:
        """Parts of the network that no term reaches."""
        network = self.model.network
        if isinstance(network, GlyphNetwork):
            return network.idle_parts(line=self.tasks.line, char=self.tasks.char, cls=self.tasks.cls)
        taught = self.loss.network_reading > 0  # by it every part learns
        return network.untaught if isinstance(network, PartlyTaughtNetwork) and not taught else ()

    def clip_parameters(self) -> Iterable[nn.Parameter]:
        """The network's; the lineage does not clip the prior's."""
        return self.model.network.parameters()

    def pretrained_parameters(self) -> Iterable[nn.Parameter]:
        """Of the parts that the network names."""
        network = self.model.network
        parts = network.pretrained if isinstance(network, PretrainedNetwork) else ()
        return [parameter for part in parts for parameter in part.parameters()]

    def auxiliary_modules(self) -> dict[str, nn.Module]:
        """The teacher of the text prior, where there is one."""
        teacher = next((term.teacher for term in self._terms if isinstance(term, TextPriorTerm)), None)
        return {} if teacher is None else {"teacher": teacher}

    def forward(self, batch: Batch) -> LossTerms:
        """Every term of the batch."""
        # The guide: what the prior reads on LR, with the words of some dropped.
        prior, logits = (None, None) if self.model.prior is None else self._prior(self.model.prior, batch)
        guide = None if prior is None else self._with_drops(prior, batch)
        out = self._super_resolve(batch.lr, guide)

        # Every term sees the same pass.
        hr = self.model.network_input(batch.hr)
        seen = ForwardPass(batch, out.sr.float(), hr, out.glyphs, prior, logits, out.readings)
        terms = {name: value for term in self._terms for name, value in term(seen).items()}

        # Glyph maps come first: the other terms grow from 0 while the maps are learned.
        if self.steps_done < self.loss.glyph_warmup_steps and any(self.tasks[:2]):
            warmup = self.steps_done / self.loss.glyph_warmup_steps
            terms = {name: term if name in MAP_TERMS else warmup * term for name, term in terms.items()}

        return terms

    def counts(self, batch: Batch) -> dict[str, int]:
        """What the mean of each term runs over."""
        return {name: count for term in self._terms for name, count in term.counts(batch).items()}

    def _super_resolve(self, lr: Tensor, prior: Tensor | None) -> SROutput:
        network, picture = self.model.network, self.model.network_input(lr)
        if isinstance(network, GlyphNetwork):
            return network.perceive(picture, prior, with_glyphs=any(self.tasks))
        out: SROutput = network(picture, prior)
        return out

    def _prior(self, generator: TextPriorGenerator, batch: Batch) -> tuple[Tensor, Tensor | None]:
        """The text prior ``(B, K, 1, T)``, and its CTC logits ``(T, B, S)`` where it learns by them."""
        recognizer = generator.recognizer
        # Learned by CTC: the logits are needed beside the probabilities.
        if self.loss.ctc:
            assert isinstance(recognizer, CTCRecognizer)  # the configuration is checked
            # One head, or symbols and columns, one after the other. (T, B, K) -> (B, K, 1, T)
            heads = recognizer(recognizer.prepare(batch.lr))
            heads = heads if isinstance(heads, tuple) else (heads,)
            prior = torch.cat([head.float().softmax(dim=2) for head in heads], dim=2).permute(1, 2, 0).unsqueeze(2)
            return prior, heads[0]

        # Otherwise the first words may be given by their texts, as `--text` gives them to a user's pictures.
        given = round(self.given_text_fraction * (batch.global_size or len(batch.lr)))  # of the whole batch
        numbers = batch.positions or tuple(range(len(batch.lr)))
        texts = [label if number < given else None for number, label in zip(numbers, batch.labels, strict=True)]
        with torch.set_grad_enabled(self.trains_prior):
            # The upper bound of the papers: a prior that sees HR while training.
            picture = batch.hr if self.prior_from == "hr" and self.training else batch.lr
            return self.model.text_prior(picture, texts).guide, None

    def _with_drops(self, prior: Tensor, batch: Batch) -> Tensor:
        """The prior without that of the first words of the whole batch, as published, while training."""
        if not (self.prior_drop and self.training):
            return prior
        # Positions are those in the whole batch, whoever computes them.
        dropped = int(self.prior_drop * (batch.global_size or len(prior)))
        positions = torch.tensor(batch.positions or range(len(prior)), device=prior.device)
        return prior * (positions >= dropped)[:, None, None, None]


def target_slots(config: TrainConfig) -> SlotCodec | CharacterSlots | None:
    """Slots of the masks that a run learns from; ``None`` where it learns from none."""
    if not config.teaches_masks:
        return None
    return CharacterSlots(COLUMN_SLOTS) if config.loss.columns else slot_codec(config)


def slot_codec(config: TrainConfig) -> SlotCodec | None:
    """How the network's character slots are filled; ``None`` where it has none."""
    gpm = getattr(config.model.network, "gpm", None)
    return None if gpm is None else SlotCodec(gpm.num_slots, gpm.class_order, gpm.end_slot)
