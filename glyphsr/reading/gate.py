"""Commits a network to a text only where its text prior is sure of the word."""

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from glyphsr.config.model import ConfidenceGateConfig
from glyphsr.reading.word_readings import WordReading

Values = TypeVar("Values", bound=Any)
"""An array or a tensor."""


def gate_guide(conditioned: Values, probabilities: Values, weights: Values) -> Values:
    """What guides the network: the text that was read where the prior is sure of it, else all that it may be.

    A network that is committed to a wrong text draws it well. Guided by the probabilities it sharpens what it sees.

    Args:
        conditioned: ``(..., T)``, an array or a tensor: the prior's probabilities, given the text.
        probabilities: ``(..., T)``: as they are.
        weights: ``(..., T)`` of :func:`gate_weights`.

    Returns:
        ``(..., T)``.
    """
    guide: Values = probabilities + weights * (conditioned - probabilities)
    return guide


def gate_weights(
    words: Sequence[WordReading], config: ConfidenceGateConfig, *, is_given: bool, steps: int
) -> NDArray[np.float32]:
    """How far each step of the prior is committed to the text that was read.

    Args:
        words: What was read in the line.
        config: How the confidence in a word becomes a weight.
        is_given: Whether its text is given, to which all steps are committed.
        steps: Steps T of the prior.

    Returns:
        ``(T,)`` float32 in [``floor``, 1]; ``floor`` where nothing is read. Between two words it is the surer one's.

    Example:
        >>> word = WordReading("A", 0, 2, 0.9, "A")
        >>> gate_weights([word], ConfidenceGateConfig(low=0.1, high=0.5), is_given=False, steps=4).tolist()
        [1.0, 1.0, 0.0, 0.0]
    """
    weights = np.full(steps, 1.0 if is_given else config.floor, np.float32)
    for i, word in enumerate(() if is_given else words):
        # From `floor` at `low` to 1 at `high`.
        weight = (word.confidence - config.low) / (config.high - config.low)
        weight = config.floor + (1 - config.floor) * min(1.0, max(0.0, weight))
        # The space before a word belongs to both of its neighbours.
        start = words[i - 1].stop if i else word.start
        weights[start : word.stop] = weights[start : word.stop].clip(weight)
        following = words[i + 1].start if i + 1 < len(words) else word.stop
        weights[word.stop : following] = weight
    return weights


def at_places(values: NDArray[np.float32], places: NDArray[np.float64]) -> NDArray[np.float32]:
    """Values along the last axis at places between them; at the ends the last one holds."""
    places = places.clip(0, values.shape[-1] - 1)
    before = np.floor(places).astype(np.int64)
    after = np.minimum(before + 1, values.shape[-1] - 1)
    weight = (places - before).astype(np.float32)
    return values[..., before] * (1 - weight) + values[..., after] * weight
