"""Where the change is held back is chosen by what the prior has right."""

import pytest
import torch

from glyphsr.config.data import DataConfig, FolderSource
from glyphsr.config.recognizers import CTCTransformerConfig
from glyphsr.errors import ConfigError
from glyphsr.models.super_resolver import SuperResolver
from glyphsr.training.gate_calibration import LabelledReading, choose_gate_thresholds, held_out_readings


def readings(*groups: tuple[float, int, int]) -> list[LabelledReading]:
    """(confidence, right, wrong) of groups; within one the wrong ones are the less sure by a little."""
    made = []
    for sure, right, wrong in groups:
        made += [LabelledReading(sure, True, "easy")] * right + [LabelledReading(sure - 1e-4, False, "easy")] * wrong
    return made[::-1]


def test_thresholds_lie_where_readings_begin_to_be_right():
    groups = readings((0.9, 90, 0), (0.5, 10, 10), (0.2, 1, 9))
    found = choose_gate_thresholds(groups, zero=0.125, full=0.4)
    # Wrong ones are the less sure in each group: 1 of 20 up to the last of those at 0.5, then as many right ones.
    assert found.low == pytest.approx(0.4999, abs=1e-3)
    assert found.low < found.high <= 0.9


def test_a_threshold_never_parts_readings_of_one_confidence():
    mixed = [LabelledReading(0.9, True, "easy")] * 30 + [LabelledReading(0.3, i < 4, "easy") for i in range(40)]
    found = choose_gate_thresholds(mixed, zero=0.125, full=0.4)
    assert found.low == pytest.approx(0.3)


def test_a_prior_that_is_never_right_changes_nothing():
    found = choose_gate_thresholds(readings((0.9, 0, 50), (0.2, 0, 50)))
    assert found.low >= 0.89


def test_a_prior_that_is_always_right_changes_everything():
    found = choose_gate_thresholds(readings((0.9, 50, 0), (0.2, 50, 0)))
    assert found.low == 0
    assert found.high < 0.01


def test_words_are_needed():
    with pytest.raises(ConfigError, match="no real words are held out"):
        choose_gate_thresholds([])


READER = CTCTransformerConfig(channels=(8, 8, 8), blocks=(1, 1), dim=16, depth=1, heads=2)


def test_held_out_words_are_read_at_every_difficulty(tiny_config, word_folder):
    torch.manual_seed(0)
    model = SuperResolver.from_config(tiny_config.model_copy(update={"prior": READER})).eval()
    data = DataConfig(sources=(FolderSource(path=str(word_folder)),), held_out=0.5, line_width=None)
    found = list(held_out_readings(model, data, draws=2))
    held_out = {reading.level: 0 for reading in found}
    for reading in found:
        held_out[reading.level] += 1
        assert 0 <= reading.word_confidence <= 1
    assert list(held_out) == ["easy", "medium", "hard"]
    assert len(set(held_out.values())) == 1
    assert 2 <= held_out["easy"] < 24  # two draws each, and not all words
    assert list(held_out_readings(model, data, draws=2)) == found
