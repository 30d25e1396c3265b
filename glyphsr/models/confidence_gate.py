"""The confidence gate on tensors."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from glyphsr.config.model import ConfidenceGateConfig
from glyphsr.reading.gate import gate_shares
from glyphsr.reading.word_readings import WordReading


def gate(
    words: Sequence[Sequence[WordReading]],
    given: Sequence[bool],
    config: ConfidenceGateConfig,
    *,
    steps: int,
    width: int,
) -> Tensor:
    """:func:`~glyphsr.reading.gate.gate_shares` of each picture, ``(B, 1, 1, W)``.

    Args:
        words: Of each picture.
        given: Pictures whose text is given.
        config: How the confidence in a word becomes a share.
        steps: Steps T of the prior.
        width: Of the super-resolved pictures.
    """
    shares = [
        gate_shares(line, config, is_given=is_given, steps=steps, width=width)
        for line, is_given in zip(words, given, strict=True)
    ]
    return torch.from_numpy(np.stack(shares))[:, None, None]
