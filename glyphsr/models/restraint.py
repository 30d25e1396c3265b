"""Holds a network's change back where its text prior is unsure."""

import torch
import torch.nn.functional as F
from torch import Tensor

from glyphsr.config.model import RestraintConfig

STEPS_PER_HEIGHT = 8
"""Steps of our CTC priors along one line height."""


def certainty(symbols: Tensor, reach: int) -> Tensor:
    """How likely CTC's best path is within some steps on both sides of each step.

    Args:
        symbols: ``(B, S, T)`` class probabilities of CTC.
        reach: Steps on each side, 0 or more.

    Returns:
        ``(B, T)`` in [0, 1].

    Example:
        >>> certainty(torch.tensor([[[0.9, 0.5, 1.0], [0.1, 0.5, 0.0]]]), 1).round(decimals=2)
        tensor([[0.4500, 0.4500, 0.5000]])
    """
    costs = -symbols.float().amax(dim=1).clamp_min(1e-6).log()  # (B, T)
    total = F.pad(costs.cumsum(dim=1), (1, 0))
    steps = torch.arange(costs.shape[1], device=costs.device)
    first, last = (steps - reach).clamp_min(0), (steps + reach + 1).clamp_max(costs.shape[1])
    return (total[:, first] - total[:, last]).clamp_max(0).exp()


def gate(symbols: Tensor, config: RestraintConfig, width: int) -> Tensor:
    """Share of the change that is applied in each column.

    Args:
        symbols: ``(B, S, T)`` class probabilities of CTC.
        config: How certainty becomes a share.
        width: Columns W of the super-resolved picture.

    Returns:
        ``(B, 1, 1, W)`` in [``floor``, 1].
    """
    sure = certainty(symbols, round(config.reach * STEPS_PER_HEIGHT))
    share = ((sure - config.low) / (config.high - config.low)).clamp(0, 1)
    share = config.floor + (1 - config.floor) * share
    return F.interpolate(share[:, None], size=width, mode="linear", align_corners=False)[:, :, None]
