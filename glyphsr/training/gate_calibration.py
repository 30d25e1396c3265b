"""Chooses where a model holds its change back: by what its text prior has right on words held out of training."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from glyphsr.config.data import DataConfig
from glyphsr.config.model import ConfidenceGateConfig
from glyphsr.data.degradation.levels import degrade_at_levels
from glyphsr.data.sources import open_sources
from glyphsr.errors import ConfigError
from glyphsr.images.resize import resize
from glyphsr.images.tiling import plan_tiles
from glyphsr.metrics.accuracy import words_match
from glyphsr.models.super_resolver import SuperResolver
from glyphsr.reading.word_readings import line_text
from glyphsr.text.charset import filter_lower
from glyphsr.text.lexicon import Lexicon

ACCURACY_AT_ZERO, ACCURACY_AT_FULL = 0.04, 0.25
"""Fractions of right readings: nothing is changed in the least sure words of which at most the first fraction are read
rightly, part of it in the next ones of which at most the second are."""

MIN_RANGE = 0.002
"""Least distance between both thresholds."""


class LabelledReading(NamedTuple):
    """What the prior made of one degraded word."""

    word_confidence: float
    """Of the least sure word in the picture; 0 where the prior reads none."""
    right: bool
    level: str
    """Difficulty of the degradation, by name."""


@torch.inference_mode()
def held_out_readings(
    model: SuperResolver, data: DataConfig, *, lexicon: Lexicon | None = None, draws: int = 4, seed: int = 0
) -> Iterator[LabelledReading]:
    """Read every held-out real word at three difficulties; rendered words are left out, being too like training.

    Args:
        model: With a prior that reads by CTC, in evaluation mode.
        data: Which words, and which of them are held out.
        lexicon: Word list by which readings are corrected.
        draws: Degradations of each word and difficulty.
        seed: Of the degradations.
    """
    assert model.prior is not None
    rng = np.random.default_rng(seed)

    for source in open_sources(data, held_out=True):
        if source.paired:  # the same words, degraded once and for all
            continue

        for index in source.indices:
            sample = source.collection[index]
            if not filter_lower(sample.label):  # nothing that a reading is compared by
                continue

            for name, pictures in degrade_at_levels(sample.hr, data.degradation, rng, draws=draws):
                lr = torch.stack([_as_seen(word, model) for word in pictures])
                for words in model.text_prior(lr, lexicon=lexicon).words:
                    # A line is as sure as its least sure word: that one decides whether the picture may change.
                    least = min((word.confidence for word in words), default=0.0)
                    yield LabelledReading(least, words_match(line_text(words), sample.label), name)


def _as_seen(word: NDArray[np.uint8], model: SuperResolver) -> Tensor:
    """``(3, h, w)`` of the size at which the network is shown a line of the word's."""
    line = word.astype(np.float32) / np.float32(255)
    plan = plan_tiles(line.shape[0], line.shape[1], model.config.network)
    if plan is not None:
        line = resize(line, (plan.height, plan.width))
    return torch.from_numpy(line).permute(2, 0, 1)


def choose_gate_thresholds(
    readings: Sequence[LabelledReading], *, zero: float = ACCURACY_AT_ZERO, full: float = ACCURACY_AT_FULL
) -> ConfidenceGateConfig:
    """Thresholds from the fraction of right readings.

    Args:
        readings: Of words that the prior was not trained on.
        zero: ``low`` is the greatest confidence such that at most this fraction of the words below it are read rightly.
        full: ``high`` likewise for the words from ``low`` on.

    Returns:
        The thresholds.

    Raises:
        ConfigError: If there are no readings.
    """
    if not readings:
        raise ConfigError("confidence_gate: no real words are held out to choose it on; expected data.held_out above 0")
    # From the least sure reading to the surest.
    ordered = sorted(readings)
    confidence = np.array([reading.word_confidence for reading in ordered])
    right = np.array([reading.right for reading in ordered])

    ends = np.append(confidence[1:] != confidence[:-1], True)  # a threshold parts readings of different confidence only
    # Below `low` hardly a reading is right; between `low` and `high` some are; above, the change is full.
    unsure = _most(right, ends, zero)
    partly = unsure + _most(right[unsure:], ends[unsure:], full)

    low = float(confidence[unsure - 1]) if unsure else 0.0
    high = max(float(confidence[partly - 1]) if partly else 0.0, low + MIN_RANGE)
    return ConfidenceGateConfig(low=round(min(low, 1 - MIN_RANGE), 5), high=round(min(high, 1.0), 5))


def _most(right: np.ndarray, ends: np.ndarray, fraction: float) -> int:
    """The greatest number of leading items, up to one of the ends, of which at most that fraction are right."""
    accuracies = right.cumsum() / np.arange(1, len(right) + 1)
    few = np.flatnonzero((accuracies <= fraction) & ends)
    return int(few[-1]) + 1 if len(few) else 0
