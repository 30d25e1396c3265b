"""``extract --engine ray`` makes the glyphs that one process makes."""

import pytest

from glyphsr.config.extraction import ExtractConfig
from glyphsr.data.glyph_lmdb import GlyphLmdb
from glyphsr.data.sources import SAMPLE_ROOT
from glyphsr.extraction import dataset_run
from glyphsr.extraction.extract import extract

ray = pytest.importorskip("ray")

pytestmark = [pytest.mark.process, pytest.mark.filterwarnings("ignore")]  # Ray's own


def test_ray_makes_the_glyphs_of_one_process(tmp_path, monkeypatch):
    monkeypatch.setattr(dataset_run, "INK_CHUNK", 8)  # several chunks
    settings = {"segmenter": "ink", "localizer": "cuts"}
    try:
        for name in ("local", "ray"):
            config = ExtractConfig(engine=name, workers=1, **settings)
            extract(str(SAMPLE_ROOT / "train"), tmp_path / name, config=config)
    finally:
        ray.shutdown()
    local, made = GlyphLmdb(tmp_path / "local"), GlyphLmdb(tmp_path / "ray")
    assert made.manifest() == local.manifest()
    assert [made.meta(i) for i in range(len(made))] == [local.meta(i) for i in range(len(local))]
    assert len(made) > 8
