"""What tests of training share: a run of six steps."""

import pytest

from glyphsr.config.data import DataConfig, FolderSource, LmdbSource
from glyphsr.config.losses import LossConfig
from glyphsr.config.training import OptimiserConfig, TrainConfig, ValidationConfig


@pytest.fixture
def config(tiny_config, word_folder, tiny_lmdb):
    """Six steps of two words, validated twice, without masks."""
    sources = (FolderSource(path=str(word_folder)), LmdbSource(path=str(tiny_lmdb)))
    return TrainConfig(
        model=tiny_config,
        data=DataConfig(sources=sources, line_width=None, held_out=0.3),
        loss=LossConfig(text_focus=0.0),
        optimiser=OptimiserConfig(warmup_steps=2, ema_decay=0.9),
        steps=6,
        batch_size=2,
        validation=ValidationConfig(every=3, words=2, samples=2),
        seed=5,
    )
