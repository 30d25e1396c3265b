"""Connectionist temporal classification of a recognizer's logits."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from glyphsr.text.ctc import BLANK, CTCCodec


def ctc_loss(logits: Tensor, labels: Sequence[str], codec: CTCCodec) -> Tensor:
    """Mean over images of the negative log-likelihood per character.

    Args:
        logits: ``(T, B, K)``, time first.
        labels: One text per image; characters the codec does not know are dropped.
        codec: Charset of the logits.

    Returns:
        Scalar; an image whose text does not fit into T steps counts as 0.
    """
    # Texts one after the other, as torch wants them; all steps of every picture count.
    targets = [codec.encode(label) for label in labels]
    lengths = torch.tensor([len(target) for target in targets])
    flat = torch.tensor([index for target in targets for index in target], dtype=torch.int64)
    steps = torch.full((len(targets),), logits.shape[0])
    log_probabilities = logits.float().log_softmax(dim=2)  # (T, B, S)
    # A text that is longer than the steps has an infinite loss: it counts as 0 instead.
    return F.ctc_loss(
        log_probabilities, flat.to(logits.device), steps, lengths, blank=BLANK, reduction="mean", zero_infinity=True
    )
