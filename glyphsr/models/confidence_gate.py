"""The confidence gate on tensors."""

import numpy as np
import torch
from torch import Tensor

from glyphsr.config.model import ConfidenceGateConfig
from glyphsr.models.text_prior import TextPrior
from glyphsr.reading.gate import gate_guide, gate_weights


def gated_guide(prior: TextPrior, config: ConfidenceGateConfig) -> Tensor:
    """:func:`~glyphsr.reading.gate.gate_guide` of a batch.

    Args:
        prior: What was read in it.
        config: How the confidence in a word becomes a weight.

    Returns:
        ``(B, K, 1, T)``.
    """
    steps = prior.guide.shape[3]
    # Line by line on the CPU, as runs without torch compute them.
    weights = [
        gate_weights(line, config, is_given=is_given, steps=steps)
        for line, is_given in zip(prior.words, prior.given, strict=True)
    ]
    weight = torch.from_numpy(np.stack(weights))[:, None, None].to(prior.guide)  # (B, 1, 1, T)
    return gate_guide(prior.guide, prior.probabilities, weight)
