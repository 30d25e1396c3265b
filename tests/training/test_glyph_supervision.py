import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from glyphsr.config.data import DataConfig, FolderSource, LmdbSource, RenderedSource
from glyphsr.config.losses import LossConfig
from glyphsr.config.rendering import BUILTIN_FONT, RenderConfig
from glyphsr.config.training import TrainConfig
from glyphsr.data.dataloader import iterate_batches
from glyphsr.data.glyph_lmdb import GlyphLmdb, find_glyphs
from glyphsr.data.lmdb_writer import write_pairs
from glyphsr.data.sources import SAMPLE_ROOT, open_sources
from glyphsr.data.train_batches import TrainBatches
from glyphsr.errors import DataError
from glyphsr.extraction.extract import extract
from glyphsr.glyphs.kmeans import kmeans_line
from glyphsr.text.charset import filter_lower
from glyphsr.text.slots import SlotCodec
from glyphsr.training.glyph_supervision import mask_attacher, with_glyphs
from glyphsr.types import Sample

from ..helpers.drawn_words import INK_ONLY, draw_glyphs

LABELS = ["it's", "Hotel", "A-42", "crossing"]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Four words with glyphs beside them, and the same under another name without."""
    folder = tmp_path_factory.mktemp("root")
    samples = []
    for i, label in enumerate(LABELS):
        picture, _ = draw_glyphs(label)
        samples.append(Sample(f"{i}", picture, label, picture[::2, ::2].copy()))
    write_pairs(folder / "train", samples)
    extract(str(folder / "train"), config=INK_ONLY)
    shutil.copytree(folder / "train", folder / "bare")
    return folder


def config_for(path, **changes):
    data = DataConfig(sources=(LmdbSource(path=str(path), **changes),), held_out=0.0)
    return TrainConfig(data=data)


def words_of(config, notes=None):
    notify = notes.append if notes is not None else (lambda _: None)
    (source,) = open_sources(config.data, held_out=False, attach_masks=mask_attacher(config, notify))
    return source.collection


def test_words_get_the_masks_of_their_characters(root):
    words = words_of(config_for(root / "train"))
    glyphs = GlyphLmdb(root / "train-glyphs")
    for i, label in enumerate(LABELS):
        assert len(words[i].chars) == len("".join(label.split()))
        assert np.array_equal(words[i].chars, glyphs[i].chars)
        assert np.array_equal(words[i].line, glyphs[i].line)


def test_masks_are_found_beside_by_name_and_by_folder(root):
    for named in (str(root / "train-glyphs"), None):
        assert find_glyphs(root / "train", named) == root / "train-glyphs"
    assert find_glyphs(root / "train", str(root)) == root / "train-glyphs"
    with pytest.raises(DataError, match="glyphsr extract --lmdb"):
        find_glyphs(root / "bare", None)
    assert len(words_of(config_for(root / "bare", glyphs=str(root / "train-glyphs")))) == 4


def test_masks_of_other_words_are_refused(root, tmp_path, words):
    write_pairs(tmp_path / "other", words)
    with pytest.raises(DataError, match=r"was made from 4 words of 'train', not from .*other with its 4"):
        words_of(config_for(tmp_path / "other", glyphs=str(root / "train-glyphs")))


def test_words_that_are_not_trusted_or_not_extracted_have_none(root, tmp_path):
    config = config_for(root / "train")
    strict = config.model_copy(update={"data": config.data.model_copy(update={"min_glyph_quality": 1.0})})
    trusted = words_of(strict)
    for i in range(4):
        assert (trusted[i].line is not None) == (GlyphLmdb(root / "train-glyphs")[i].quality >= 1.0)
    shutil.copytree(root / "bare", tmp_path / "some")
    extract(str(tmp_path / "some"), config=INK_ONLY.model_copy(update={"limit": 2}))
    notes = []
    some = words_of(config_for(tmp_path / "some"), notes)
    assert [some[i].line is None for i in range(4)] == [False, False, True, True]
    assert "first 2 of 4" in notes[0]


def test_kmeans_lines_are_made_on_the_fly(root):
    config = with_glyphs(config_for(root / "bare"), "kmeans")
    words = words_of(config)
    assert np.array_equal(words[1].line, kmeans_line(words[1].hr))
    assert words[1].chars is None


def test_named_masks_are_used_where_kmeans_was_configured(root):
    config = with_glyphs(config_for(root / "bare"), "kmeans")
    words = words_of(with_glyphs(config, str(root / "train-glyphs")))
    assert np.array_equal(words[1].line, GlyphLmdb(root / "train-glyphs")[1].line)


def test_where_nothing_learns_from_masks_none_are_looked_for(root):
    assert words_of(with_glyphs(config_for(root / "bare"), "none"))[0].line is None
    off = config_for(root / "bare").model_copy(update={"loss": LossConfig(glyph=0.0)})
    assert words_of(off)[0].line is None


def test_the_sample_set_comes_with_its_masks():
    assert find_glyphs(SAMPLE_ROOT / "train", None) == SAMPLE_ROOT / "train-glyphs"
    words = words_of(config_for(SAMPLE_ROOT / "train"))
    assert all(words[i].line is not None for i in range(len(words)))
    assert Path(SAMPLE_ROOT / "train-glyphs" / "data.mdb").stat().st_size < 200_000


def test_rendered_words_come_with_their_own_masks_or_those_of_kmeans():
    sources = (RenderedSource(render=RenderConfig(fonts=(BUILTIN_FONT,))),)
    exact = TrainConfig(data=DataConfig(sources=sources))
    sample = words_of(exact)[0]
    assert len(sample.chars) == len(filter_lower(sample.label))
    plain = words_of(with_glyphs(exact, "none"))[0]
    assert (plain.line, plain.chars) == (None, None)
    clustered = words_of(with_glyphs(exact, "kmeans"))[0]
    assert np.array_equal(clustered.hr, sample.hr)
    assert np.array_equal(clustered.line, kmeans_line(sample.hr))


def folder_config(path, **changes):
    """Words of a folder with glyphs beside them, remixed and recoloured."""
    source = FolderSource(path=str(path), recombine=1.0, color_jitter=0.5)
    data = DataConfig(sources=(source,), held_out=0.0, line_width=None, min_glyph_quality=0.0)
    return TrainConfig(data=data, **changes)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("signs") / "words"
    path.mkdir()
    rows = []
    for i, label in enumerate(["Hotel", "zone42", "crossing"]):
        Image.fromarray(draw_glyphs(label, gap=4)[0]).save(path / f"{i}.png")
        rows.append({"file": f"{i}.png", "label": label})
    (path / "annotations.json").write_text(json.dumps(rows))
    extract(str(path), config=INK_ONLY)
    return path


def batches_of(config, *, workers=0, first=0):
    sources = open_sources(config.data, held_out=False, attach_masks=mask_attacher(config, lambda _: None))
    maker = TrainBatches(sources, config.data, batch_size=6, seed=1, slots=SlotCodec(16))
    return list(iterate_batches(maker, first_step=first, last_step=4, workers=workers))


def test_remixed_words_reach_batches_with_their_masks(folder):
    batches = batches_of(folder_config(folder))
    labels = {label for batch in batches for label in batch.labels}
    assert not labels <= {"Hotel", "zone42", "crossing"}
    for batch in batches:
        shown = (batch.glyphs.chars.amax(dim=(2, 3)) > 0).sum(dim=1)
        assert shown.tolist() == [len(label) for label in batch.labels]
    late = batches_of(folder_config(folder), workers=1, first=1)
    for one, other in zip(batches[1:], late, strict=True):
        assert one.labels == other.labels
        assert one.lr.equal(other.lr)
        assert one.glyphs.chars.equal(other.glyphs.chars)


def test_remix_without_masks_is_said(folder):
    for config in (with_glyphs(folder_config(folder), "none"), with_glyphs(folder_config(folder), "kmeans")):
        notes = []
        words_of(config, notes)
        assert [note for note in notes if "words: recombine of no effect" in note]
    notes = []
    words_of(folder_config(folder), notes)
    assert not notes
