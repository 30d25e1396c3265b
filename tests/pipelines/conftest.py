"""What tests share: twenty words and small chunks to extract from, and a training run of six steps."""

import numpy as np
import pytest
from PIL import Image

from glyphsr.config.training import (
    DataConfig,
    FolderSource,
    LmdbSource,
    LossConfig,
    OptimiserConfig,
    TrainConfig,
    ValidationConfig,
)
from glyphsr.data.lmdb_writer import write_pairs
from glyphsr.pipelines import extraction_set
from glyphsr.pipelines.extraction import extract
from glyphsr.types import Sample

from ..glyph_words import INK_ONLY, draw_glyphs
from ..sets import values


@pytest.fixture(scope="package")
def many(tmp_path_factory):
    """Twenty words, so that there are several chunks of four."""
    path = tmp_path_factory.mktemp("many") / "train"
    texts = ["oak", "Bridge", "42", "north", "Cafe", "exit", "zone", "Palace", "7", "hub"] * 2
    samples = []
    for i, text in enumerate(texts):
        hr, _ = draw_glyphs(text, gap=2 + i % 3)
        lr = np.asarray(Image.fromarray(hr).resize((hr.shape[1] // 2, 16)))
        samples.append(Sample(str(i), hr, text, lr))
    write_pairs(path, samples)
    return path


@pytest.fixture
def small_chunks(monkeypatch):
    monkeypatch.setattr(extraction_set, "INK_CHUNK", 4)
    monkeypatch.setattr(extraction_set, "SAM_CHUNK", 2)


@pytest.fixture
def whole(many, tmp_path, small_chunks):
    """Every key and value of the glyph LMDB of the twenty words."""
    extract(str(many), tmp_path / "whole", config=INK_ONLY)
    return values(tmp_path / "whole")


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
