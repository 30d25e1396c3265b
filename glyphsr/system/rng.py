"""Generators of many independent streams from one seed."""

import numpy as np


def stream(seed: int, *numbers: int) -> np.random.Generator:
    """The generator of a seed and some numbers; those with as many numbers are different streams.

    Args:
        seed: 0 to 2**63; split into two, since NumPy would run a larger one into the numbers after it.
        numbers: Below 2**32, which say what is drawn.

    Example:
        >>> bool(stream(3, 4).random() == stream(3 + 4 * 2**32).random())
        False
    """
    return np.random.default_rng([seed & 0xFFFFFFFF, seed >> 32, *numbers])
