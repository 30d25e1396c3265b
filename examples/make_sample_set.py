"""Renders the small data set that ships with the package: words of ours, laid out like TextZoom.

    python examples/make_sample_set.py [OUT]

Every picture is drawn with an installed free font, with the exact masks of its characters beside the training words,
and made small by our own degradation at the three difficulties of the IIIT5K-LR set. Numbers on it mean nothing beside
TextZoom's.
"""

import sys
from pathlib import Path

import glyphsr
from glyphsr.config.degradation import LEVELS, DegradationConfig
from glyphsr.config.synth import SynthConfig
from glyphsr.data.sources import SAMPLE_ROOT

TRAIN_PAIRS, TEST_PAIRS = 28, 12
SEED = 2025


def main() -> None:
    """Write train, its masks, and the three test subsets."""
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else SAMPLE_ROOT
    every = (LEVELS["easy"][0], LEVELS["hard"][1])
    sets = [("train", TRAIN_PAIRS, every)]
    sets += [(f"test/{name}", TEST_PAIRS, difficulty) for name, difficulty in LEVELS.items()]
    for number, (name, count, difficulty) in enumerate(sets):
        degradation = DegradationConfig(difficulty=difficulty, mild_prob=0.0)
        config = SynthConfig(count=count, seed=SEED + number, glyphs=name == "train", degradation=degradation)
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        glyphsr.synthesize(out / name, config=config, overwrite=True)


if __name__ == "__main__":
    main()
