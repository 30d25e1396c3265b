from collections import Counter

import lmdb
import numpy as np
import pytest
import torch

from glyphsr.config.data import DataConfig, FolderSource, LmdbSource
from glyphsr.data.dataloader import iterate_batches
from glyphsr.data.lmdb_writer import write_pairs
from glyphsr.data.sources import WordSource, open_sources
from glyphsr.data.train_batches import CHUNK_STEPS, TrainBatches
from glyphsr.errors import DataError
from glyphsr.text.slots import SlotCodec
from glyphsr.types import Sample


class Numbered:
    """A collection that is never read."""

    def __init__(self, count):
        self.count = count

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        raise AssertionError("only the plan is wanted")


def planned(maker, chunks):
    return [(id(draw.source), draw.index) for chunk in chunks for draw in maker.draws(chunk)]


def test_every_word_comes_once_before_any_comes_again():
    source = WordSource(1.0, Numbered(40), tuple(range(0, 80, 2)))
    maker = TrainBatches([source], DataConfig(), batch_size=5, seed=3)  # 40 words are exactly one chunk
    first, second = ([draw.index for draw in maker.draws(chunk)] for chunk in (0, 1))
    assert sorted(first) == sorted(second) == list(range(0, 80, 2))
    assert first != second
    assert first != sorted(first)


def test_sources_come_by_weight_and_each_in_whole_rounds():
    sources = [WordSource(3.0, Numbered(10), tuple(range(10))), WordSource(1.0, Numbered(7), tuple(range(7)))]
    maker = TrainBatches(sources, DataConfig(), batch_size=10, seed=0)
    drawn = Counter(planned(maker, range(50)))
    for source, share in zip(sources, (0.75, 0.25), strict=True):
        counts = [count for (own, _), count in drawn.items() if own == id(source)]
        assert sum(counts) == pytest.approx(share * 50 * 80, rel=0.05)
        assert max(counts) - min(counts) <= 1


def test_the_plan_is_the_same_wherever_it_starts():
    sources = [WordSource(1.0, Numbered(11), tuple(range(11))), WordSource(2.0, Numbered(5), tuple(range(5)))]
    walking, jumping = (TrainBatches(sources, DataConfig(), batch_size=2, seed=1) for _ in range(2))
    whole = [planned(walking, [chunk]) for chunk in range(9)]
    assert planned(jumping, [8]) == whole[8]
    assert planned(jumping, [3]) == whole[3]


@pytest.mark.parametrize("line_width", [64, None])
def test_the_shares_of_all_processes_are_the_batch(word_folder, tiny_lmdb, line_width):
    paths = (FolderSource(path=str(word_folder)), LmdbSource(path=str(tiny_lmdb)))
    config = DataConfig(sources=paths, line_width=line_width, heights=(16, 24), held_out=0.0)
    sources = open_sources(config, held_out=False)
    whole, *parts = (
        TrainBatches(sources, config, batch_size=6, seed=2, slots=SlotCodec(), rank_slice=part)[1]
        for part in ((0, 1), (0, 2), (1, 2))
    )
    for k in range(CHUNK_STEPS):
        for i, part in enumerate(parts):
            assert part[k].ids == whole[k].ids[i::2]
            assert torch.equal(part[k].lr, whole[k].lr[i::2])
            assert torch.equal(part[k].glyphs.masked, whole[k].glyphs.masked[i::2])


class Widths:
    """Words of given aspects, without pictures worth seeing."""

    def __init__(self, aspects):
        self.aspects = aspects

    def __len__(self):
        return len(self.aspects)

    def __getitem__(self, index):
        picture = np.zeros((8, 8 * self.aspects[index], 3), np.uint8)
        return Sample(f"{index}", picture, "a", picture[::2, ::2].copy())


def test_wide_words_come_as_often_as_narrow_ones_in_batches_of_like_pixels():
    aspects = [2] * 40 + [8] * 40
    source = WordSource(1.0, Widths(aspects), tuple(range(80)), paired=True)
    config = DataConfig(line_width=None, heights=(16,))
    maker = TrainBatches([source], config, batch_size=10, seed=0)  # a chunk is every word once
    for chunk in range(3):
        batches = maker[chunk]
        assert sorted(int(name) for batch in batches for name in batch.ids) == list(range(80))
        pixels = [batch.lr[:, 0].numel() for batch in batches]
        assert max(pixels) < 2 * min(pixels)


def test_taller_lines_get_as_many_words_as_have_the_same_pixels():
    source = WordSource(1.0, Widths([4] * 20), tuple(range(20)), paired=True)
    config = DataConfig(line_width=None, heights=(16, 32))
    sizes = {
        batch.lr.shape[2]: batch.global_size
        for chunk in range(4)
        for batch in TrainBatches([source], config, batch_size=8, seed=0)[chunk]
    }
    assert sizes == {16: 8, 32: 2}
    assert {
        batch.global_size for batch in TrainBatches([source], config, batch_size=8, seed=0, rank_slice=(2, 3))[1]
    } == {
        8,
        3,
    }


def test_no_two_kinds_of_draws_share_a_seed():
    """Seeds of different length that differ by zeros alone would be one and the same."""
    seen = {}
    kinds = {"plan": (1, 5), "counts": (2, 5), "order": (3, 0, 5), "render": (4, 5), "pair": (5, 5, 0, 0)}
    for name, parts in kinds.items():
        state = tuple(np.random.SeedSequence([7, *parts]).generate_state(2))
        assert seen.setdefault(state, name) == name


def test_an_unreadable_word_is_named_in_one_line_whoever_reads_it(tmp_path, words):
    write_pairs(tmp_path / "train", words)
    environment = lmdb.open(str(tmp_path / "train"), map_size=1 << 24)
    with environment.begin(write=True) as transaction:
        transaction.put(b"image_hr-000000003", b"junk")
    environment.close()
    config = DataConfig(sources=(LmdbSource(path=str(tmp_path / "train")),), held_out=0.0)
    maker = TrainBatches(open_sources(config, held_out=False), config, batch_size=4, seed=0)
    for workers in (0, 1):
        with pytest.raises(DataError) as caught:
            list(iterate_batches(maker, first_step=0, last_step=4, workers=workers))
        assert "image_hr-000000003: not a readable picture (4 bytes)" in str(caught.value)
        assert "\n" not in str(caught.value)
