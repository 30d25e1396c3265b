"""What tests of extraction share: twenty words, and small chunks."""

import numpy as np
import pytest
from PIL import Image

from glyphsr.data.lmdb_writer import write_pairs
from glyphsr.extraction import dataset_run
from glyphsr.extraction.extract import extract
from glyphsr.types import Sample

from ..helpers.drawn_words import INK_ONLY, draw_glyphs
from ..helpers.lmdb import values


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
    monkeypatch.setattr(dataset_run, "INK_CHUNK", 4)
    monkeypatch.setattr(dataset_run, "SAM_CHUNK", 2)


@pytest.fixture
def whole(many, tmp_path, small_chunks):
    """Every key and value of the glyph LMDB of the twenty words."""
    extract(str(many), tmp_path / "whole", config=INK_ONLY)
    return values(tmp_path / "whole")
