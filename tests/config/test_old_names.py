"""Settings that have another name now: files with the former one are read, the new one is written."""

import pytest

from glyphsr.config.data import FolderSource
from glyphsr.config.losses import LossConfig
from glyphsr.config.model import ModelConfig
from glyphsr.config.reader import validate
from glyphsr.errors import ConfigError

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
