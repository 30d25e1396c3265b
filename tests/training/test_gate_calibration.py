"""Where the change is held back is chosen by what the prior has right."""

import pytest
import torch

from glyphsr.config.data import DataConfig, FolderSource
from glyphsr.config.recognizers import CTCTransformerConfig
from glyphsr.errors import ConfigError
from glyphsr.models.super_resolver import SuperResolver
from glyphsr.training.gate_calibration import LabelledReading, choose_gate_thresholds, held_out_readings
from glyphsr.weights.loading import load_model


def readings(*groups: tuple[float, int, int]) -> list[LabelledReading]:
    """(certainty, right, wrong) of groups; within one the wrong ones are the less sure by a little."""
    made = []
    for sure, right, wrong in groups:
        made += [LabelledReading(sure, True, "easy")] * right + [LabelledReading(sure - 1e-4, False, "easy")] * wrong
    return made[::-1]


@pytest.mark.parametrize(
    ("full", "none", "high", "low"),
    [(0.97, 0.75, 0.8, 0.4), (1.0, 0.75, 0.8, 0.4), (0.97, 0.8, 0.8, 0.6), (0.9, 0.05, 0.4, 0.39)],
)
def test_thresholds_lie_where_readings_stop_being_right(full, none, high, low):
    groups = readings((0.9, 30, 0), (0.8, 2, 2), (0.6, 9, 1), (0.4, 1, 9))
    found = choose_gate_thresholds(groups, full=full, none=none)
    assert (found.high, found.low) == (pytest.approx(high), pytest.approx(low))


def test_a_threshold_never_parts_readings_of_one_certainty():
    mixed = [LabelledReading(0.9, True, "easy")] * 30 + [LabelledReading(0.7, i < 20, "easy") for i in range(40)]
    assert choose_gate_thresholds(mixed).high == pytest.approx(0.9)


def test_a_prior_that_is_never_right_changes_nothing():
    found = choose_gate_thresholds(readings((0.9, 0, 50), (0.2, 0, 50)))
    assert (found.low, found.high) == (0.99, 1.0)


def test_a_prior_that_is_always_right_changes_everything():
    found = choose_gate_thresholds(readings((0.9, 50, 0), (0.2, 50, 0)))
    assert found.high <= 0.2


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


def test_words_that_the_network_garbles_count_as_unsure(word_folder):
    model = load_model("compact", offline=True).model
    data = DataConfig(sources=(FolderSource(path=str(word_folder)),), held_out=0.5, line_width=None)
    drawn = [reading.word_confidence for reading in held_out_readings(model, data, draws=1)]
    torch.nn.init.zeros_(model.network.head.weight)
    torch.nn.init.constant_(model.network.head.bias, -9.0)  # black, whatever it is shown
    black = [reading.word_confidence for reading in held_out_readings(model, data, draws=1)]
    assert max(drawn) > 0.5
    assert max(black) == 0.0
