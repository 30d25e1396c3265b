"""The objective of a text prior that is trained alone."""

from collections.abc import Iterable

from torch import nn

from glyphsr.config.training import TrainConfig
from glyphsr.losses.columns import column_loss, column_targets
from glyphsr.losses.ctc import ctc_loss
from glyphsr.models.super_resolver import SuperResolver
from glyphsr.recognizers.protocols import ColumnRecognizer, CTCRecognizer
from glyphsr.training.objectives.base import LossTerms, Objective
from glyphsr.types import Batch


class PriorObjective(Objective[SuperResolver]):
    """The text prior alone, on LR pictures: by CTC, and by whose ink each column shows."""

    def __init__(self, model: SuperResolver, config: TrainConfig) -> None:
        super().__init__(model)
        self.loss = config.loss
        model.network.requires_grad_(False)
        assert model.prior is not None
        if isinstance(model.prior.recognizer, ColumnRecognizer) and not config.loss.columns:
            model.prior.recognizer.columns.requires_grad_(False)  # no loss reaches it

    def clip_parameters(self) -> Iterable[nn.Parameter]:
        """The prior's."""
        assert self.model.prior is not None
        return self.model.prior.parameters()

    def forward(self, batch: Batch) -> LossTerms:
        """CTC and columns of the prior's recognizer on ``batch.lr``."""
        assert self.model.prior is not None
        recognizer = self.model.prior.recognizer
        prepared = recognizer.prepare(batch.lr)

        # Published recognizers have one head.
        if not isinstance(recognizer, ColumnRecognizer):
            assert isinstance(recognizer, CTCRecognizer)  # the configuration is checked
            logits = recognizer.symbol_logits(prepared)
            return {"ctc": self.loss.ctc * ctc_loss(logits, batch.labels, recognizer.codec)}

        logits, columns = recognizer(prepared)
        terms = {"ctc": self.loss.ctc * ctc_loss(logits, batch.labels, recognizer.codec)}

        if self.loss.columns:
            assert batch.glyphs is not None
            targets = column_targets(batch.glyphs, batch.labels, recognizer.codec, len(columns))
            terms["columns"] = self.loss.columns * column_loss(columns, targets)

        return terms

    def counts(self, batch: Batch) -> dict[str, int]:
        """Words, and words with masks."""
        counts = {"ctc": len(batch.ids)}
        if self.loss.columns:
            assert batch.glyphs is not None
            counts["columns"] = int(batch.glyphs.masked.sum())
        return counts
