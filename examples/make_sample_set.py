"""Renders the small data set that ships with the package: words of ours, laid out like TextZoom.

    python examples/make_sample_set.py [OUT]

Every picture is drawn with an installed free font and made small by our own degradation, with the blur of the three
difficulties of the IIIT5K-LR set (sigma in HR pixels at height 32). Numbers on it mean nothing beside TextZoom's.
"""

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from glyphsr.config.training import DegradationConfig
from glyphsr.data.degradation import degrade
from glyphsr.data.lmdb_writer import write_pairs
from glyphsr.data.pair_loader import resize
from glyphsr.data.rendering import render_word
from glyphsr.data.sources import SAMPLE_ROOT
from glyphsr.types import Sample

BLUR = {"easy": (1.6, 2.3), "medium": (2.1, 3.0), "hard": (2.6, 3.7)}
TRAIN_PAIRS, TEST_PAIRS = 28, 12
SEED = 2025


def pairs(count: int, blurs: list[tuple[float, float]], seed: int) -> Iterator[Sample]:
    """Rendered words with LR sides of the given blurs in turn."""
    rng = np.random.default_rng(seed)
    for i in range(count):
        word = render_word(rng)
        width = max(16, round(word.hr.shape[1] * 32 / word.hr.shape[0] / 2) * 2)
        hr = resize(word.hr, (32, width))
        config = DegradationConfig(blur_sigma=blurs[i % len(blurs)], mild_share=0.0)
        yield replace(word, hr=hr, lr=degrade(hr, config, rng))


def main() -> None:
    """Write train and the three test subsets."""
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else SAMPLE_ROOT
    out.mkdir(parents=True, exist_ok=True)
    write_pairs(out / "train", pairs(TRAIN_PAIRS, list(BLUR.values()), SEED), overwrite=True)
    (out / "test").mkdir(exist_ok=True)
    for number, (name, blur) in enumerate(BLUR.items(), start=1):
        write_pairs(out / "test" / name, pairs(TEST_PAIRS, [blur], SEED + number), overwrite=True)


if __name__ == "__main__":
    main()
