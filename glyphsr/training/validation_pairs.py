"""What a run is validated on: words held out of it or, as the lineage did, the test subsets."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glyphsr.config.training import TrainConfig
from glyphsr.data.degradation.apply import degrade
from glyphsr.data.glyph_targets import glyph_targets
from glyphsr.data.lmdb_pairs import PairedLmdb
from glyphsr.data.pair_loader import HR_SIZE, LR_SIZE
from glyphsr.data.sources import WordSource, find_lmdb
from glyphsr.errors import DataError
from glyphsr.images.resize import resize_like_pil
from glyphsr.text.slots import CharacterSlots, SlotCodec
from glyphsr.types import GlyphTargets

VALIDATION_SEED = 20_250_101
"""Seed of the held-out words' degradations; the same for every run."""

HEIGHT = 16
"""Line height of held-out words."""

TEST_SUBSETS = ("easy", "medium", "hard")
HELD_OUT = "held out"
"""Part of words that are of no test subset."""


@dataclass(frozen=True, eq=False)
class Pair:
    """A word to validate on."""

    lr: NDArray[np.uint8]
    hr: NDArray[np.uint8]
    label: str
    part: str = HELD_OUT
    glyphs: GlyphTargets | None = None
    """Masks of one word at LR size, ``None`` where it has none or none are learned."""


def held_out_pairs(
    sources: list[WordSource], config: TrainConfig, slots: SlotCodec | CharacterSlots | None = None
) -> list[Pair]:
    """Fixed pairs at line height 16 and each word's own aspect, or squashed where training squashes.

    Args:
        sources: The parts to validate on.
        config: The run.
        slots: Slots of the masks that maps are compared with, where the sources give any; ``None`` for no masks.
    """
    pairs = []
    for source in sources:
        # A seed per source, so that adding one leaves the pairs of the others as they are.
        rng = np.random.default_rng(VALIDATION_SEED)
        count = config.validation.words
        if source.is_endless:
            samples = [source.collection[i] for i in range(count)]
        else:
            chosen = rng.permutation(np.array(source.indices, np.int64))[:count]
            samples = [source.collection[int(i)] for i in chosen]

        for sample in samples:
            # Sizes: at least square, at most as wide as training allows, in fours for the networks' strides.
            aspect = min(max(1.0, sample.hr.shape[1] / sample.hr.shape[0]), config.data.max_aspect)

            width = config.data.line_width or round(HEIGHT * aspect / 4) * 4
            hr = resize_like_pil(sample.hr, (2 * HEIGHT, 2 * width))
            # A real LR side where there is one, else HR is degraded like in training.
            if source.paired and sample.lr is not None:
                lr = resize_like_pil(sample.lr, (HEIGHT, width))
            else:
                lr = degrade(hr, config.data.degradation, rng)

            # Masks at LR size, where the run learns from them.
            glyphs = None
            if sample.line is not None and slots is not None:
                glyphs = glyph_targets([sample], slots, (HEIGHT, width))

            pairs.append(Pair(lr, hr, sample.label, glyphs=glyphs))

    return pairs


def subset_pairs(data_root: str | None) -> list[Pair]:
    """The three test subsets, squashed as published: what the lineage selects its weights on.

    Raises:
        DataError: If a subset is missing or has an unreadable sample.
    """
    pairs = []
    for subset in TEST_SUBSETS:
        for path in find_lmdb(subset, data_root):
            environment = PairedLmdb(path)
            for i in range(len(environment)):
                sample = environment[i]
                if sample.lr is None:
                    raise DataError(f"{sample.id}: no LR side")
                pairs.append(
                    Pair(resize_like_pil(sample.lr, LR_SIZE), resize_like_pil(sample.hr, HR_SIZE), sample.label, subset)
                )
    return pairs
