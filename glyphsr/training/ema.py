"""Averaged weights."""

import copy
from typing import Generic

import torch
from torch import nn

from glyphsr.training.objectives.base import Model


class ExponentialMovingAverage(Generic[Model]):
    """Exponential moving average of a model's weights and of the statistics of its normalisations.

    Args:
        model: What is averaged.
        decay: Of the average, reached slowly at the start.
    """

    def __init__(self, model: Model, decay: float) -> None:
        self.model = copy.deepcopy(model).requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def update(self, model: nn.Module, steps: int) -> None:
        """Take in the weights after that many steps."""
        # Young averages forget faster, so that the random start does not stay in them.
        decay = min(self.decay, (1 + steps) / (10 + steps))
        own = model.state_dict()
        for key, value in self.model.state_dict().items():
            if value.is_floating_point():
                value.lerp_(own[key], 1 - decay)
            # Counters of normalisations are not averaged.
            else:
                value.copy_(own[key])
