from collections import Counter

import pytest
import torch

from glyphsr.config.training import DataConfig, FolderSource, LmdbSource
from glyphsr.data.batches import CHUNK_STEPS, BatchMaker
from glyphsr.data.sources import WordSource, open_sources
from glyphsr.text.slots import SlotCodec


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
    maker = BatchMaker([source], DataConfig(), batch_size=5, seed=3)  # 40 words are exactly one chunk
    first, second = ([draw.index for draw in maker.draws(chunk)] for chunk in (0, 1))
    assert sorted(first) == sorted(second) == list(range(0, 80, 2))
    assert first != second
    assert first != sorted(first)


def test_sources_come_by_weight_and_each_in_whole_rounds():
    sources = [WordSource(3.0, Numbered(10), tuple(range(10))), WordSource(1.0, Numbered(7), tuple(range(7)))]
    maker = BatchMaker(sources, DataConfig(), batch_size=10, seed=0)
    drawn = Counter(planned(maker, range(50)))
    for source, share in zip(sources, (0.75, 0.25), strict=True):
        counts = [count for (own, _), count in drawn.items() if own == id(source)]
        assert sum(counts) == pytest.approx(share * 50 * 80, rel=0.05)
        assert max(counts) - min(counts) <= 1


def test_the_plan_is_the_same_wherever_it_starts():
    sources = [WordSource(1.0, Numbered(11), tuple(range(11))), WordSource(2.0, Numbered(5), tuple(range(5)))]
    walking, jumping = (BatchMaker(sources, DataConfig(), batch_size=2, seed=1) for _ in range(2))
    whole = [planned(walking, [chunk]) for chunk in range(9)]
    assert planned(jumping, [8]) == whole[8]
    assert planned(jumping, [3]) == whole[3]


@pytest.mark.parametrize("line_width", [64, None])
def test_the_shares_of_all_processes_are_the_batch(word_folder, tiny_lmdb, line_width):
    paths = (FolderSource(path=str(word_folder)), LmdbSource(path=str(tiny_lmdb)))
    config = DataConfig(sources=paths, line_width=line_width, heights=(16, 24), held_out=0.0)
    sources = open_sources(config, held_out=False)
    whole, *parts = (
        BatchMaker(sources, config, batch_size=6, seed=2, slots=SlotCodec(), share=share)[1]
        for share in ((0, 1), (0, 2), (1, 2))
    )
    for k in range(CHUNK_STEPS):
        for i, part in enumerate(parts):
            assert part[k].ids == whole[k].ids[i::2]
            assert torch.equal(part[k].lr, whole[k].lr[i::2])
            assert torch.equal(part[k].glyphs.masked, whole[k].glyphs.masked[i::2])
