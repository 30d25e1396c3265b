"""Noise at the price of a copy: parts of one fixed field of normal numbers."""

import functools

import numpy as np
from numpy.typing import NDArray

FIELD_SIZE = 1_048_573
"""Numbers in the field; larger pictures see it again. A prime: no plane's size divides it, so planes differ."""

FIELD_SEED = 20_251_123


@functools.cache
def noise_field() -> NDArray[np.float32]:
    """``(FIELD_SIZE,)`` float32 of mean 0 and deviation 1, always the same."""
    return np.random.default_rng(FIELD_SEED).standard_normal(FIELD_SIZE, dtype=np.float32)


def noise_at(start: int, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """A part of the field, to be read only.

    Args:
        start: Where it begins, 0 to ``FIELD_SIZE - 1``.
        shape: Of the result.
    """
    field, count = noise_field(), int(np.prod(shape))
    if start + count > FIELD_SIZE:
        return np.take(field, np.arange(start, start + count), mode="wrap").reshape(shape)
    return field[start : start + count].reshape(shape)
