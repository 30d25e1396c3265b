"""Chooses where a model holds its change back: by what its text prior has right on words held out of training."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from glyphsr.config.data import DataConfig
from glyphsr.config.model import RestraintConfig
from glyphsr.data.degradation.levels import degrade_at_levels
from glyphsr.data.sources import open_sources
from glyphsr.errors import ConfigError
from glyphsr.images.resize import resize
from glyphsr.images.tiling import plan_tiles
from glyphsr.metrics.accuracy import words_match
from glyphsr.models.confidence_gate import dilation_of, same_spelling, word_confidence
from glyphsr.models.super_resolver import SuperResolver
from glyphsr.text.charset import filter_lower

ACCURACY_AT_FULL, ACCURACY_AT_ZERO = 0.97, 2 / 3
"""Shares of right readings: the whole change is applied to the surest words of which so many are right, none of it to
those behind the next ones of which the second share is right. The least sure of these are wrong as often as right."""

MIN_HIGH = 0.02
"""Least threshold of the whole change."""


class LabelledReading(NamedTuple):
    """What the prior made of one degraded word."""

    word_confidence: float
    """Of the least sure word in the picture; 0 where the prior sees none, or spells one otherwise in the network's
    result."""
    right: bool
    level: str
    """Difficulty of the degradation, by name."""


@torch.inference_mode()
def held_out_readings(
    model: SuperResolver, data: DataConfig, *, draws: int = 4, seed: int = 0
) -> Iterator[LabelledReading]:
    """Read every held-out real word at three difficulties; rendered words are left out, being too like training.

    Args:
        model: With a prior of kind ``ctc_transformer``, in evaluation mode.
        data: Which words, and which of them are held out.
        draws: Degradations of each word and difficulty.
        seed: Of the degradations.
    """
    assert model.prior is not None
    rng = np.random.default_rng(seed)
    for source in open_sources(data, held_out=True):
        for index in source.indices:
            sample = source.collection[index]
            if not filter_lower(sample.label):  # nothing that a reading is compared by
                continue
            for name, words in degrade_at_levels(sample.hr, data.degradation, rng, draws=draws):
                lr = torch.stack([_as_seen(word, model) for word in words])
                prior = model.prior(lr)
                sure = _least_sure_word(model, prior, lr)
                readings = model.prior.recognizer.decode(prior.squeeze(2))
                for reading, value in zip(readings, sure, strict=True):
                    yield LabelledReading(value, words_match(reading.text, sample.label), name)


def _as_seen(word: NDArray[np.uint8], model: SuperResolver) -> Tensor:
    """``(3, h, w)`` of the size at which the network is shown a line of the word's."""
    line = word.astype(np.float32) / np.float32(255)
    plan = plan_tiles(line.shape[0], line.shape[1], model.config.network)
    if plan is not None:
        line = resize(line, (plan.height, plan.width))
    return torch.from_numpy(line).permute(2, 0, 1)


def _least_sure_word(model: SuperResolver, prior: Tensor, lr: Tensor) -> list[float]:
    symbols, columns = prior[:, :, 0].chunk(2, dim=1)
    height, width = lr.shape[-2:]
    dilation = dilation_of(symbols.shape[2], (height, width))
    sure = word_confidence(symbols, columns, dilation=dilation, case_map=model.case_map)
    sr = model.network(model.network_input(lr), prior).sr
    same = same_spelling(symbols, model.reread(sr), columns, dilation=dilation, case_map=model.case_map)
    there = sure > 0
    return [
        float(row[words].min()) if words.any() and unchanged[words].all() else 0.0
        for row, words, unchanged in zip(sure, there, same, strict=True)
    ]


def choose_gate_thresholds(
    readings: Sequence[LabelledReading], *, full: float = ACCURACY_AT_FULL, none: float = ACCURACY_AT_ZERO
) -> RestraintConfig:
    """Thresholds from the share of right readings.

    Args:
        readings: Of words that the prior was not trained on.
        full: ``high`` is the least certainty such that this share of the words from there on are right.
        none: ``low`` likewise for the words below ``high``.

    Returns:
        Thresholds that go together with reading the result again (``reread``).

    Raises:
        ConfigError: If there are no readings.
    """
    if not readings:
        raise ConfigError("restraint: no real words are held out to choose it on; expected data.held_out above 0")
    ordered = sorted(readings, key=lambda reading: -reading.word_confidence)
    sure = np.array([reading.word_confidence for reading in ordered])
    right = np.array([reading.right for reading in ordered])
    ends = np.append(sure[1:] != sure[:-1], True)  # a threshold parts readings of different certainty only
    whole = _last(right, ends, full)
    part = whole + _last(right[whole:], ends[whole:], none)
    high = float(np.clip(sure[whole - 1], MIN_HIGH, 1.0)) if whole else 1.0
    low = float(np.clip(sure[part - 1], 0.0, high - 0.5 * MIN_HIGH)) if part > whole else high - 0.5 * MIN_HIGH
    return RestraintConfig(low=round(low, 4), high=round(high, 4), reread=True)


def _last(right: np.ndarray, ends: np.ndarray, share: float) -> int:
    """The greatest number of leading items, up to one of the ends, of which at least that share are right."""
    shares = right.cumsum() / np.arange(1, len(right) + 1)
    enough = np.flatnonzero((shares >= share) & ends)
    return int(enough[-1]) + 1 if len(enough) else 0
