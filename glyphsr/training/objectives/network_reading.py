"""What a network with readers of its own reads on its way to the picture, against the label."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from glyphsr.losses.ctc import ctc_loss
from glyphsr.text.ctc import CTCCodec
from glyphsr.text.endings import EndedCodec
from glyphsr.training.objectives.terms import ForwardPass, WordTerm


class NetworkReadingTerm(WordTerm):
    """CTC of RTSRN's and C3-STISR's language model and of PEAN's auxiliary reader, cross-entropy of LEMMA's reader.

    Several readings of a network add up.

    Args:
        weight: Factor on the mean.
        codec: Of the readings' classes.
    """

    name = "network_reading"

    def __init__(self, weight: float, codec: CTCCodec | EndedCodec) -> None:
        super().__init__(weight)
        self.codec = codec

    def mean(self, seen: ForwardPass) -> Tensor:
        """Of all steps: per character where CTC reads, with the end and what follows it where a class ends the text."""
        labels = seen.batch.labels
        losses = [self._one(logits.float(), labels) for logits in seen.readings]
        return torch.stack(losses).sum()

    def _one(self, logits: Tensor, labels: Sequence[str]) -> Tensor:
        if isinstance(self.codec, CTCCodec):
            return ctc_loss(logits.transpose(0, 1), labels, self.codec)
        targets = ended_targets(labels, self.codec, logits.shape[1]).to(logits.device)
        # As published, the softmax is taken twice, so that a sure mistake costs little.
        return F.cross_entropy(logits.softmax(dim=2).flatten(0, 1), targets.flatten())


def ended_targets(labels: Sequence[str], codec: EndedCodec, steps: int) -> Tensor:
    """Classes of texts, cut so that their end has room, and ends after it.

    Args:
        labels: B texts; characters that the codec does not know are dropped.
        codec: Of the classes.
        steps: T.

    Returns:
        ``(B, T)`` int64.
    """
    rows = [codec.encode(label)[: steps - 1] for label in labels]
    return torch.tensor([row + [codec.end] * (steps - len(row)) for row in rows])
