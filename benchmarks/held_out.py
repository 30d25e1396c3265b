"""Writes the training words that a configuration holds out as LMDBs of three difficulties, to choose the strength on.

    python benchmarks/held_out.py configs/compact.yaml OUT

OUT/easy, OUT/medium and OUT/hard hold the same words at the difficulties of those levels.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from glyphsr.config.degradation import LEVELS, DegradationConfig
from glyphsr.config.reader import load
from glyphsr.config.training import TrainConfig
from glyphsr.data.degradation.arrays import degrade
from glyphsr.data.lmdb_writer import write_pairs
from glyphsr.data.pair_loader import resize
from glyphsr.data.sources import WordSource, open_sources
from glyphsr.types import Sample

HEIGHT = 32


def pairs(sources: list[WordSource], config: DegradationConfig) -> Iterator[Sample]:
    rng = np.random.default_rng(0)
    for source in sources:
        if source.is_endless:
            continue
        for index in source.indices:
            sample = source.collection[index]
            width = max(2, round(sample.hr.shape[1] * HEIGHT / sample.hr.shape[0] / 2) * 2)
            hr = resize(sample.hr, (HEIGHT, width))
            yield Sample(sample.id, hr, sample.label, degrade(hr, config, rng))


def main() -> None:
    config = load(TrainConfig, Path(sys.argv[1])).data
    for name, difficulty in LEVELS.items():
        degradation = config.degradation.model_copy(update={"difficulty": difficulty, "mild_share": 0.0})
        target = Path(sys.argv[2]) / name
        target.mkdir(parents=True)
        count = write_pairs(target, pairs(open_sources(config, held_out=True), degradation))
        print(f"{target}: {count} words")


if __name__ == "__main__":
    main()
