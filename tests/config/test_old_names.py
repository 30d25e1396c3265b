"""Settings that have another name now: files with the former one are read, the new one is written."""

import pytest

from glyphsr.config.data import DataConfig, FolderSource
from glyphsr.config.degradation import DegradationConfig
from glyphsr.config.extraction import ExtractConfig
from glyphsr.config.losses import LossConfig
from glyphsr.config.model import ModelConfig
from glyphsr.config.rendering import RenderConfig
from glyphsr.config.validation import validate
from glyphsr.errors import ConfigError
from glyphsr.extraction.chunk_store import difference
from glyphsr.models.c3stisr.settings import C3STISRConfig
from glyphsr.weights.checkpoints import current_name

PRIOR = {"prior": {"kind": "ctc_transformer"}, "network": {"kind": "glyphsr"}}


@pytest.mark.parametrize(
    ("kind", "old", "new"),
    [
        (FolderSource, {"path": "x", "remix": 0.5, "distort": 0.1}, {"recombine": 0.5, "warp": 0.1}),
        (FolderSource, {"path": "x", "recolour": 1.0}, {"color_jitter": 1.0}),
        (LossConfig, {"aid": 2.0}, {"auxiliary_ctc": 2.0}),
        (ModelConfig, {**PRIOR, "restraint": None}, {"confidence_gate": None}),
    ],
)
def test_a_former_name_is_read_and_the_new_one_written(kind, old, new):
    written = validate(kind, old, "here").model_dump(mode="json")
    assert new.items() <= written.items()
    assert not {"remix", "recolour", "distort", "aid", "restraint"} & written.keys()


def test_both_names_at_once_are_one_line():
    with pytest.raises(ConfigError, match="here: aid: unknown key"):
        validate(LossConfig, {"aid": 1.0, "auxiliary_ctc": 2.0}, "here")


@pytest.mark.parametrize(
    ("kind", "old", "new"),
    [
        (DataConfig, {"squashed_share": 0.2}, {"squashed_prob": 0.2}),
        (DegradationConfig, {"motion_share": [0.1, 0.2]}, {"motion_prob": [0.1, 0.2]}),
        (RenderConfig, {"clutter_share": 0.5}, {"clutter_prob": 0.5}),
        (ExtractConfig, {"max_line_share": 0.7}, {"max_line_fraction": 0.7}),
        (C3STISRConfig, {"hint": "fused"}, {"guidance": "fused"}),
    ],
)
def test_shares_are_probabilities_and_fractions_now(kind, old, new):
    written = validate(kind, old, "here").model_dump(mode="json")
    assert new.items() <= written.items()
    assert not old.keys() & written.keys()


def test_parameters_of_earlier_files_have_their_present_names():
    found = [current_name(name) for name in ("network.hint.deconvs.0.weight", "aid.bias", "neighbours.share")]
    assert found == ["network.guidance.deconvs.0.weight", "auxiliary_ctc.bias", "neighbours.gate"]
    assert current_name("network.blocks.0.hints") == "network.blocks.0.hints"


def test_a_manifest_with_a_former_name_is_the_same():
    parts = ({"parameters": {name: 0.5}} for name in ("max_line_share", "max_line_fraction"))
    assert difference(*parts) is None
