"""Training of a recognizer: it reads HR pictures, and LR ones enlarged, with the true texts given."""

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from glyphsr.config.training import TrainConfig
from glyphsr.losses.ctc import ctc_loss
from glyphsr.losses.glyph import class_loss
from glyphsr.models.registry import RecognizerNetwork
from glyphsr.recognizers.protocols import (
    AttentionRecognizer,
    ColumnRecognizer,
    CTCRecognizer,
    DecodingRecognizer,
)
from glyphsr.text.charset import filter_to
from glyphsr.text.ctc import CTCCodec
from glyphsr.training.objectives.base import LossTerms, Objective
from glyphsr.types import Batch


class RecognizerObjective(Objective[nn.Module]):
    """A recognizer alone, on HR pictures and, as a fraction of each batch, on LR ones enlarged by bicubic."""

    def __init__(self, model: RecognizerNetwork, config: TrainConfig) -> None:
        super().__init__(model)
        self.recognizer = model
        self.weight = config.loss.reading
        self.blurred_fraction = config.data.blurred_fraction
        self.auxiliary_weight = config.loss.auxiliary_ctc
        # A CTC head on the columns of the encoder, for training alone: it is not part of the weights.
        self.auxiliary_ctc: nn.Linear | None = None
        if config.loss.auxiliary_ctc:
            assert isinstance(model, DecodingRecognizer)  # the configuration is checked
            self.auxiliary_codec = CTCCodec(model.charset)
            self.auxiliary_ctc = nn.Linear(model.num_features, self.auxiliary_codec.num_classes)

        if isinstance(model, ColumnRecognizer):
            model.columns.requires_grad_(False)  # no loss reaches it

    def clip_parameters(self) -> Iterable[nn.Parameter]:
        """All of them."""
        return self.parameters()

    def auxiliary_modules(self) -> dict[str, nn.Module]:
        """The layer of the auxiliary CTC, where there is one."""
        return {} if self.auxiliary_ctc is None else {"auxiliary_ctc": self.auxiliary_ctc}

    def forward(self, batch: Batch) -> LossTerms:
        """What it reads, with the true texts given; words that are longer than it can say are left out."""
        recognizer = self.recognizer
        pictures = self._pictures(batch)
        # By CTC: all words, of any length.
        if isinstance(recognizer, CTCRecognizer):
            logits = recognizer.symbol_logits(recognizer.prepare(pictures))
            return {"reading": self.weight * ctc_loss(logits, batch.labels, recognizer.codec)}

        # By a decoder: the words that it has steps for.
        assert isinstance(recognizer, AttentionRecognizer)

        chosen = self._trainable_words(batch)
        if not chosen:
            # A loss of 0 that still reaches every parameter: processes wait for each other's gradients.
            nothing = 0.0 * torch.stack([parameter.sum() for parameter in self.parameters()]).sum()
            return {"reading": nothing} | ({"auxiliary_ctc": nothing} if self.auxiliary_ctc else {})

        prepared, texts = recognizer.prepare(pictures[chosen]), [self._target_text(batch.labels[i]) for i in chosen]
        if not isinstance(recognizer, DecodingRecognizer):
            forced = recognizer.forward_teacher_forced(prepared, texts)
            return {"reading": self.weight * class_loss(forced.logits.float(), forced.targets)}

        # All decoders weigh alike, such as MORAN's two directions.
        decoder_outputs = recognizer.decoder_outputs(prepared, texts)
        losses = [class_loss(output.logits.float(), output.targets) for output in decoder_outputs]
        terms = {"reading": self.weight * torch.stack(losses).mean()}
        if self.auxiliary_ctc is not None:
            # (B, T, D) -> (T, B, S), as CTC expects it.
            logits = self.auxiliary_ctc(decoder_outputs[0].columns).transpose(0, 1)
            terms["auxiliary_ctc"] = self.auxiliary_weight * ctc_loss(logits, texts, self.auxiliary_codec)

        return terms

    def counts(self, batch: Batch) -> dict[str, int]:
        """Words where it reads by CTC, else characters with the ends of their texts."""
        if isinstance(self.recognizer, CTCRecognizer):
            return {"reading": len(batch.ids)}
        chosen = self._trainable_words(batch)
        auxiliary = {"auxiliary_ctc": len(chosen)} if self.auxiliary_ctc else {}
        return {"reading": sum(1 + len(self._target_text(batch.labels[i])) for i in chosen)} | auxiliary

    def _target_text(self, label: str) -> str:
        """A label as the recognizer is given it."""
        return filter_to(label, self.recognizer.charset)

    def _trainable_words(self, batch: Batch) -> list[int]:
        """The words that it can say."""
        longest = self.recognizer.max_length
        return [
            i for i, label in enumerate(batch.labels) if longest is None or len(self._target_text(label)) <= longest
        ]

    def _pictures(self, batch: Batch) -> Tensor:
        """HR, or LR of the same size for the first words of the whole batch; ``(B, 3, H, W)`` in [0, 1]."""
        # Counted over the whole batch, so that it does not depend on the number of processes.
        blurred = round(self.blurred_fraction * (batch.global_size or len(batch.ids)))
        if not blurred:
            return batch.hr
        places = torch.tensor(batch.positions or range(len(batch.ids)), device=batch.hr.device)
        plain = F.interpolate(batch.lr, size=batch.hr.shape[-2:], mode="bicubic", align_corners=False).clamp(0, 1)
        return torch.where((places < blurred)[:, None, None, None], plain, batch.hr)
