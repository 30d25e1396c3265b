"""Holds a network's change back where its text prior is unsure of the word."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from glyphsr.config.model import ConfidenceGateConfig
from glyphsr.reading.word_readings import WordReading


def gate_shares(
    words: Sequence[WordReading], config: ConfidenceGateConfig, *, is_given: bool, steps: int, width: int
) -> NDArray[np.float32]:
    """Share of the network's change that is applied in each column of a line.

    Args:
        words: What was read in it.
        config: How the confidence in a word becomes a share.
        is_given: Whether its text is given; then all of the change is applied.
        steps: Steps T of the prior.
        width: Of the super-resolved picture, which the steps share evenly.

    Returns:
        ``(width,)`` float32 in [``floor``, 1]; ``floor`` where nothing is read. Between two words it is the
        surer one's.

    Example:
        >>> word = WordReading("A", 0, 2, 0.9, "A")
        >>> gate_shares([word], ConfidenceGateConfig(low=0.1, high=0.5), is_given=False, steps=4, width=4).tolist()
        [1.0, 1.0, 0.0, 0.0]
    """
    shares = np.full(steps, 1.0 if is_given else config.floor, np.float32)
    for i, word in enumerate(() if is_given else words):
        share = (word.confidence - config.low) / (config.high - config.low)
        share = config.floor + (1 - config.floor) * min(1.0, max(0.0, share))
        # The space before a word belongs to both of its neighbours.
        start = words[i - 1].stop if i else word.start
        shares[start : word.stop] = shares[start : word.stop].clip(share)
        following = words[i + 1].start if i + 1 < len(words) else word.stop
        shares[word.stop : following] = share
    return resample(shares, width)


def resample(values: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """Values along the last axis at ``count`` places that share its length evenly, read linearly between them.

    Example:
        >>> resample(np.array([0.0, 1.0], np.float32), 4).tolist()
        [0.0, 0.25, 0.75, 1.0]
    """
    steps = values.shape[-1]
    return at_places(values, (np.arange(count) + 0.5) * steps / count - 0.5)


def at_places(values: NDArray[np.float32], places: NDArray[np.float64]) -> NDArray[np.float32]:
    """Values along the last axis at places between them; at the ends the last one goes on."""
    places = places.clip(0, values.shape[-1] - 1)
    before = np.floor(places).astype(np.int64)
    after = np.minimum(before + 1, values.shape[-1] - 1)
    weight = (places - before).astype(np.float32)
    return values[..., before] * (1 - weight) + values[..., after] * weight
