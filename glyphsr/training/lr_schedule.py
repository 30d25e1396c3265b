"""Step size over a run: linear warm-up, then cosine to zero (paper, "Implementation details")."""

import math
from typing import Literal

HALVED_FROM = 0.8
"""Fraction of the run after which the step size is halved: epoch 400 of 500 in LEMMA's."""


def learning_rate_factor(
    step: int, *, warmup_steps: int, total_steps: int, schedule: Literal["cosine", "constant", "halved"] = "cosine"
) -> float:
    """Factor on the peak step size.

    Counted in optimiser steps, not samples: the ancestor's code counted the warm-up in samples, which stretched it
    far beyond its five epochs.

    Example:
        >>> [learning_rate_factor(s, warmup_steps=2, total_steps=4) for s in range(5)]
        [0.5, 1.0, 1.0, 0.5, 0.0]
        >>> [learning_rate_factor(s, warmup_steps=0, total_steps=5, schedule="halved") for s in range(5)]
        [1.0, 1.0, 1.0, 1.0, 0.5]
    """
    # The first step already learns, so the factor never is 0.
    if step < warmup_steps:
        return (step + 1) / warmup_steps
    if schedule == "constant":
        return 1.0
    if schedule == "halved":
        return 1.0 if step < HALVED_FROM * total_steps else 0.5
    # Half a cosine from 1 to 0 over what is left of the run.
    progress = (step - warmup_steps) / max(1, total_steps - warmup_steps)
    return round(0.5 * (1 + math.cos(math.pi * min(1.0, progress))), 12)
