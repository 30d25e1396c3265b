"""Holds a network's change back where its text prior is unsure of the word."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from glyphsr.config.model import ConfidenceGateConfig
from glyphsr.models.word_readings import WordReading


def gate(
    words: Sequence[Sequence[WordReading]],
    given: Sequence[bool],
    config: ConfidenceGateConfig,
    *,
    steps: int,
    width: int,
) -> Tensor:
    """Fraction of the network's change that is applied in each column.

    Args:
        words: Of each picture.
        given: Pictures whose text is given; all of their change is applied.
        config: How the confidence in a word becomes a gate.
        steps: Steps T of the prior.
        width: Of the super-resolved picture, divided evenly between the steps.

    Returns:
        ``(B, 1, 1, W)`` in [``floor``, 1]; ``floor`` where nothing is read. Between two words it is the
        surer one's.

    Example:
        >>> word = WordReading("A", 0, 2, 0.9, "A")
        >>> gate([[word]], [False], ConfidenceGateConfig(low=0.1, high=0.5), steps=4, width=4).flatten().tolist()
        [1.0, 1.0, 0.0, 0.0]
    """
    gates = torch.full((len(words), steps), config.floor)
    for row, (line, is_given) in enumerate(zip(words, given, strict=True)):
        if is_given:
            gates[row] = 1.0
            continue
        for i, word in enumerate(line):
            value = (word.confidence - config.low) / (config.high - config.low)
            value = config.floor + (1 - config.floor) * min(1.0, max(0.0, value))
            # The space before a word belongs to both of its neighbours.
            start = line[i - 1].stop if i else word.start
            gates[row, start : word.stop] = gates[row, start : word.stop].clamp_min(value)
            following = line[i + 1].start if i + 1 < len(line) else word.stop
            gates[row, word.stop : following] = value
    return F.interpolate(gates[:, None], size=width, mode="linear", align_corners=False)[:, :, None]
