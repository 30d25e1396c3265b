import json
import pickle

import numpy as np
import pytest
import torch
from PIL import Image

from glyphsr.config.data import DataConfig, FolderSource, LmdbSource, RenderedSource
from glyphsr.config.rendering import BUILTIN_FONT, RenderConfig
from glyphsr.data.dataloader import iterate_batches
from glyphsr.data.lmdb_pairs import PairedLmdb
from glyphsr.data.lmdb_writer import write_pairs
from glyphsr.data.sources import find_lmdb, open_sources
from glyphsr.data.train_batches import CHUNK_STEPS, TrainBatches
from glyphsr.errors import ConfigError, DataError
from glyphsr.text.charset import filter_lower
from glyphsr.types import Sample


def test_lmdb_gives_back_what_was_written(tiny_lmdb, words):
    pairs = PairedLmdb(tiny_lmdb)
    assert len(pairs) == 4
    for i, sample in enumerate(words):
        assert pairs[i].label == sample.label
        assert np.array_equal(pairs[i].hr, sample.hr)
        assert np.array_equal(pairs[i].lr, sample.lr)
    assert pickle.loads(pickle.dumps(pairs))[1].label == "Hotel"  # travels to worker processes


def test_lmdb_mistakes_are_named(tiny_lmdb, tmp_path, words):
    with pytest.raises(DataError, match="no 'image_hr-000000005' key; is this a TextZoom LMDB"):
        PairedLmdb(tiny_lmdb)[4]
    with pytest.raises(DataError, match=r"no data\.mdb"):
        len(PairedLmdb(tmp_path))
    (tmp_path / "data.mdb").write_bytes(b"not an environment")
    with pytest.raises(DataError, match="cannot open the LMDB"):
        len(PairedLmdb(tmp_path))
    with pytest.raises(ValueError, match="expected an LR side"):
        write_pairs(tmp_path / "new", [Sample("x", words[0].hr, "x")])


def test_names_are_looked_up_under_the_data_root(tiny_lmdb, tmp_path, monkeypatch, words):
    root = tmp_path / "TextZoom"
    for part in ("train1", "train2", "test/easy"):
        write_pairs(root / part, words[:1])
    assert find_lmdb("train", str(root)) == [root / "train1", root / "train2"]
    monkeypatch.setenv("GLYPHSR_DATA", str(root))
    assert find_lmdb("easy") == [root / "test" / "easy"]
    assert find_lmdb(str(tiny_lmdb)) == [tiny_lmdb]
    with pytest.raises(DataError, match="hard: no such LMDB under"):
        find_lmdb("hard")
    with pytest.raises(DataError, match="no LMDB here"):
        find_lmdb("some/where")


def config_for(word_folder, tiny_lmdb, **changes):
    sources = (FolderSource(path=str(word_folder)), LmdbSource(path=str(tiny_lmdb), weight=2.0))
    return DataConfig(sources=sources, **{"line_width": None, "heights": (16, 12), "held_out": 0.3} | changes)


def test_training_and_validation_never_share_a_word(word_folder, tiny_lmdb):
    config = config_for(word_folder, tiny_lmdb)
    for training, held_out in zip(
        open_sources(config, held_out=False), open_sources(config, held_out=True), strict=True
    ):
        assert not set(training.indices) & set(held_out.indices)
        assert len(training.indices) + len(held_out.indices) == len(training.collection)


def test_the_parts_of_train_are_one_source(tmp_path, words):
    write_pairs(tmp_path / "train1", words[:3])
    write_pairs(tmp_path / "train2", words[3:])
    config = DataConfig(sources=(LmdbSource(path="train"),), held_out=0.0)
    (source,) = open_sources(config, held_out=False, data_root=str(tmp_path))
    assert source.indices == (0, 1, 2, 3)
    assert [source.collection[i].label for i in source.indices] == [word.label for word in words]


def test_a_missing_folder_or_picture_is_named(tmp_path, word_folder):
    config = DataConfig(sources=(FolderSource(path=str(tmp_path / "none")),))
    with pytest.raises(DataError, match="none: no such folder"):
        open_sources(config, held_out=False)
    (tmp_path / "annotations.json").write_text(json.dumps([{"file": "no.png", "label": "x"}]))
    config = DataConfig(sources=(FolderSource(path=str(tmp_path)),), held_out=0.0)
    (source,) = open_sources(config, held_out=False)
    with pytest.raises(DataError, match=r"no\.png"):
        source.collection[0]


def test_no_source_is_an_error(word_folder):
    with pytest.raises(ConfigError, match="at least one source"):
        open_sources(DataConfig(sources=(FolderSource(path=str(word_folder), weight=0.0),)), held_out=False)
    everything = DataConfig(sources=(FolderSource(path=str(word_folder)),), held_out=1.0)
    with pytest.raises(ConfigError, match="nothing left to train on"):
        open_sources(everything, held_out=False)


@pytest.mark.parametrize(("pattern", "folder"), [("^[^_]+", ""), ("^[^_]+", "signs_of_1/"), ("[0-9]*", "")])
def test_words_of_one_photograph_are_held_out_together(tmp_path, words, pattern, folder):
    rows = []
    (tmp_path / folder).mkdir(exist_ok=True)
    for photograph in range(12):
        for number, sample in enumerate(words[:3]):
            name = f"{folder}{photograph}_{number}.png"
            Image.fromarray(sample.hr).save(tmp_path / name)
            rows.append({"file": name, "label": sample.label})
    (tmp_path / "annotations.json").write_text(json.dumps(rows))
    config = DataConfig(sources=(FolderSource(path=str(tmp_path), group=pattern),), held_out=0.4)
    (trained,), (held_out,) = (open_sources(config, held_out=side) for side in (False, True))
    assert len(trained.indices) + len(held_out.indices) == 36
    assert {i // 3 for i in held_out.indices}
    assert not {i // 3 for i in trained.indices} & {i // 3 for i in held_out.indices}


def test_a_pattern_that_finds_nothing_in_names_leaves_each_word_by_itself(word_folder):
    alone, empty = (
        open_sources(DataConfig(sources=(FolderSource(path=str(word_folder), group=group),)), held_out=True)[0].indices
        for group in (None, "x*")
    )
    assert alone == empty


def equal(a, b):
    return a.ids == b.ids and torch.equal(a.lr, b.lr) and torch.equal(a.hr, b.hr)


@pytest.mark.parametrize("workers", [0, 1])
def test_batches_depend_on_seed_and_step_alone(word_folder, tiny_lmdb, workers):
    config = config_for(word_folder, tiny_lmdb)
    sources = open_sources(config, held_out=False)
    maker = TrainBatches(sources, config, batch_size=4, seed=3)
    whole = list(iterate_batches(maker, first_step=0, last_step=CHUNK_STEPS + 3))
    late = list(iterate_batches(maker, first_step=5, last_step=CHUNK_STEPS + 3, workers=workers))
    assert len(whole) == CHUNK_STEPS + 3
    assert all(equal(a, b) for a, b in zip(whole[5:], late, strict=True))
    other = TrainBatches(sources, config, batch_size=4, seed=4)
    others = list(iterate_batches(other, first_step=0, last_step=CHUNK_STEPS))
    assert not all(equal(a, b) for a, b in zip(others, whole[:CHUNK_STEPS], strict=True))


def test_shapes_follow_the_configuration(word_folder, tiny_lmdb):
    config = config_for(word_folder, tiny_lmdb)
    maker = TrainBatches(open_sources(config, held_out=False), config, batch_size=4, seed=0)
    for batch in maker[0]:
        count, _, height, width = batch.lr.shape
        assert height in (12, 16)
        assert width % 4 == 0
        assert batch.hr.shape == (count, 3, 2 * height, 2 * width)
        assert 0 <= batch.lr.min() <= batch.lr.max() <= 1
        assert count == batch.global_size == len(batch.positions)
    squashed = config_for(word_folder, tiny_lmdb, line_width=64, heights=(16,))
    maker = TrainBatches(open_sources(squashed, held_out=False), squashed, batch_size=4, seed=0)
    assert {batch.lr.shape for batch in maker[1]} == {(4, 3, 16, 64)}


def test_the_ramp_goes_from_mild_to_configured(word_folder, tiny_lmdb):
    config = config_for(word_folder, tiny_lmdb, ramp_steps=100)
    maker = TrainBatches(open_sources(config, held_out=False), config, batch_size=1, seed=0)
    shares = [maker.degradation_at(step).mild_prob for step in (0, 50, 100, 500)]
    assert shares == [1.0, pytest.approx(0.575), 0.15, 0.15]


BUILTIN = RenderConfig(fonts=(BUILTIN_FONT,))


def rendered(**changes):
    return DataConfig(sources=(RenderedSource(render=BUILTIN),), line_width=None, **changes)


def test_rendered_words_become_batches_without_end():
    config = rendered()
    (source,) = open_sources(config, held_out=False, seed=5)
    assert source.is_endless
    maker = TrainBatches([source], config, batch_size=2, seed=5)
    batches = [batch for chunk in (0, 3) for batch in maker[chunk]]
    assert {name.partition("/")[0] for batch in batches for name in batch.ids} == {"rendered"}
    numbers = [draw.index for chunk in (0, 3) for draw in maker.draws(chunk)]
    assert numbers == [*range(16), *range(48, 64)]


def test_rendered_words_to_validate_on_are_those_of_no_run():
    config = rendered()
    seeds = (0, 20_250_101, 20_250_101 + 6 * 2**32)
    trained = [open_sources(config, held_out=False, seed=seed)[0].collection for seed in seeds]
    held_out = [open_sources(config, held_out=True, seed=seed)[0].collection for seed in (0, 1)]
    pictures = {words[i].hr.tobytes() for words in trained for i in range(12)}
    assert len(pictures) == 36
    for i in range(8):
        assert np.array_equal(held_out[0][i].hr, held_out[1][i].hr)
        assert held_out[0][i].hr.tobytes() not in pictures


def test_two_rendered_sources_draw_different_words():
    config = DataConfig(sources=(RenderedSource(render=BUILTIN), RenderedSource(render=BUILTIN)))
    for held_out in (False, True):
        first, second = open_sources(config, held_out=held_out)
        assert all(first.collection[i].hr.tobytes() != second.collection[i].hr.tobytes() for i in range(6))
        assert first.collection[0].id != second.collection[0].id


def test_rendered_words_have_masks_where_masks_are_learned():
    (plain,) = open_sources(rendered(), held_out=False)
    (masked,) = open_sources(rendered(), held_out=False, attach_masks=lambda words, path, source: words.with_masks())
    assert plain.collection[0].chars is None
    sample = masked.collection[0]
    assert sample.line.shape == sample.hr.shape[:2]
    assert len(sample.chars) == len(filter_lower(sample.label))
    assert np.array_equal(sample.hr, plain.collection[0].hr)
