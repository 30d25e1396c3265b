"""Training batches as a pure function of seed and step: any process can make any of them, in any order."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset

from glyphsr.config.data import DataConfig
from glyphsr.config.degradation import DegradationConfig
from glyphsr.data.augment import color_jitter, recombine, warp
from glyphsr.data.degradation.apply import degrade_each
from glyphsr.data.degradation.parameters import draw_numbers, sample_params
from glyphsr.data.glyph_targets import glyph_targets
from glyphsr.data.pair_loader import to_tensor
from glyphsr.data.sources import WordSource
from glyphsr.images.resize import resize_like_pil
from glyphsr.system.rng import stream
from glyphsr.text.slots import CharacterSlots, SlotCodec
from glyphsr.types import Batch, Sample

CHUNK_STEPS = 8
"""Batches that are drawn together, so that words of like width can share one."""

SQUASHED_ASPECT = 4
"""Width of a squashed picture in line heights."""

REFERENCE_HEIGHT = 16
"""LR line height at which ``batch_size`` is counted."""

_PLAN, _COUNTS, _ORDER, _PAIR, _VARY = 1, 2, 3, 5, 7
"""First numbers after the seed of what a run draws, so that no two kinds of draws are alike; rendered words have 4 and
6."""


@dataclass(frozen=True)
class LineShape:
    """LR height and width of one batch, in pixels."""

    height: int
    width: int
    squashed_width: int | None = None
    """Width to which both sides are brought last, as TextZoom's protocol does; ``None`` leaves them as they are."""

    @property
    def size(self) -> tuple[int, int]:
        """``(height, width)`` of the LR side as the network gets it."""
        return self.height, self.squashed_width or self.width


@dataclass(frozen=True)
class _Draw:
    """Which word comes next."""

    source: WordSource
    index: int
    """Of its collection; of a rendered word, its number in the run."""


class TrainBatches(Dataset[list[Batch]]):
    """Chunk ``c`` of :data:`CHUNK_STEPS` batches is drawn from the seed ``(seed, c)`` alone.

    Every source comes in an order of its own, shuffled again when all its words have been drawn. Where words keep their
    aspect, those of like width share a batch, and all batches of a chunk have about the same pixels: what is wide comes
    as often as what is narrow. Batches of taller lines leave words out, those of smaller ones repeat some.

    Args:
        sources: Where words come from.
        config: Shapes and degradation.
        batch_size: Words per batch at line height 16, on average; other heights get as many as have the same pixels.
        seed: Base seed.
        slots: Make glyph targets for these slots; ``None`` for none.
        rank_slice: ``(rank, processes)``: only every so-many-th word of each batch is made, beginning with the rank-th.
    """

    def __init__(
        self,
        sources: list[WordSource],
        config: DataConfig,
        *,
        batch_size: int,
        seed: int,
        slots: SlotCodec | CharacterSlots | None = None,
        rank_slice: tuple[int, int] = (0, 1),
    ) -> None:
        self.sources = sources
        self.config = config
        self.batch_size = batch_size
        self.seed = seed
        self.slots = slots
        self.rank_slice = rank_slice

        weights = np.array([source.weight for source in sources])
        self._probabilities = weights / weights.sum()
        self._counted, self._counts = 0, np.zeros(len(sources), np.int64)
        self._orders: dict[int, tuple[int, NDArray[np.int64]]] = {}

    @property
    def words_per_chunk(self) -> int:
        """Words that are drawn together."""
        return CHUNK_STEPS * self.batch_size

    def _counts_of(self, chunk: int) -> NDArray[np.int64]:
        """How many words of a chunk come from each source."""
        rng = stream(self.seed, _COUNTS, chunk)
        return rng.multinomial(self.words_per_chunk, self._probabilities).astype(np.int64)

    def _taken_before(self, chunk: int) -> NDArray[np.int64]:
        """How many words of each source all earlier chunks have; continuing from the last answer is quick."""
        if chunk < self._counted:
            self._counted, self._counts = 0, np.zeros(len(self.sources), np.int64)
        for earlier in range(self._counted, chunk):
            self._counts = self._counts + self._counts_of(earlier)
        self._counted = chunk
        return self._counts

    def _place(self, number: int, turn: int) -> _Draw:
        """The ``turn``-th word of a source."""
        source = self.sources[number]
        if source.is_endless:
            return _Draw(source, turn)
        # Each epoch sees every word once, in an order of its own.
        epoch, position = divmod(turn, len(source.indices))
        if self._orders.get(number, (-1,))[0] != epoch:
            rng = stream(self.seed, _ORDER, number, epoch)
            self._orders[number] = (epoch, rng.permutation(np.array(source.indices)))
        return _Draw(source, int(self._orders[number][1][position]))

    def draws(self, chunk: int) -> list[_Draw]:
        """The words of a chunk, source by source."""
        first, counts = self._taken_before(chunk), self._counts_of(chunk)
        return [self._place(s, int(first[s]) + i) for s, count in enumerate(counts) for i in range(count)]

    def degradation_at(self, step: int) -> DegradationConfig:
        """The configured degradation, milder while the ramp lasts."""
        config = self.config.degradation
        if step >= self.config.ramp_steps:
            return config
        left = 1 - step / self.config.ramp_steps
        return config.model_copy(update={"mild_prob": left + (1 - left) * config.mild_prob})

    def __getitem__(self, chunk: int) -> list[Batch]:
        rng = stream(self.seed, _PLAN, chunk)
        draws = self.draws(chunk)
        words: dict[int, Sample] = {}
        if self.config.line_width:
            order, aspects = rng.permutation(len(draws)), None
        else:  # words of like width share a batch, so every width has to be known
            words = {i: self._word(draw, chunk, i) for i, draw in enumerate(draws)}
            jitter = self.config.aspect_jitter ** rng.uniform(-1, 1, len(draws))
            aspects = np.array([words[i].hr.shape[1] / words[i].hr.shape[0] for i in range(len(draws))])
            aspects = np.clip(jitter * aspects, 1.0, self.config.max_aspect)
            order = np.argsort(aspects, kind="stable")

        # Batches in random order, else a chunk would go from narrow to wide.
        batches: list[Batch] = []
        groups = _groups(order, aspects)
        for group in (groups[i] for i in rng.permutation(len(groups))):
            height = int(rng.choice(self.config.heights))
            width = self.config.line_width
            if width is None:
                assert aspects is not None
                width = max(16, round(height * float(np.median(aspects[group])) / 4) * 4)

            # No draw where there are none, so that runs begun before there were any continue as they would have.
            squashed = self.config.squashed_prob > 0 and rng.random() < self.config.squashed_prob
            shape = LineShape(height, width, SQUASHED_ASPECT * height if squashed else None)
            # As many pixels as at the reference height: taller lines come in smaller batches.
            count = round(len(group) * (REFERENCE_HEIGHT / height) ** (1 if self.config.line_width else 2))
            count = max(1, self.rank_slice[1], count)  # every process has its word
            members = np.resize(rng.permutation(group), count)
            # This process makes its own words alone, at their places in the whole batch.
            first, step = self.rank_slice
            for i in members[first::step]:
                if i not in words:
                    words[i] = self._word(draws[i], chunk, i)

            places = range(first, count, step)
            samples = [words[members[place]] for place in places]
            paired = [draws[members[place]].source.paired for place in places]

            batch = self._batch(samples, paired, places, shape=shape, chunk=chunk, number=len(batches))
            batches.append(replace(batch, positions=tuple(places), global_size=count))

        return batches

    def _word(self, draw: _Draw, chunk: int, number: int) -> Sample:
        """A drawn word, varied as its source says."""
        source = draw.source
        sample = source.collection[draw.index]
        if not (source.recombine or source.color_jitter or source.warp):
            return sample

        rng = stream(self.seed, _VARY, chunk, number)
        # Drawn in any case, so that one setting does not change what the others do.
        mixed, coloured = rng.random(2) < (source.recombine, source.color_jitter)
        if mixed:
            sample = recombine(sample, rng)
        if coloured:
            sample = replace(sample, hr=color_jitter(sample.hr, rng))
        return warp(sample, rng) if source.warp and rng.random() < source.warp else sample

    def _batch(
        self,
        samples: list[Sample],
        paired: list[bool],
        places: range,
        *,
        shape: LineShape,
        chunk: int,
        number: int,
    ) -> Batch:
        """Pairs and targets of the words at some places of a whole batch; each place has draws of its own."""
        # HR at twice the LR size; LR as stored where it is paired, else degraded from HR.
        hrs = [resize_like_pil(sample.hr, (2 * shape.height, 2 * shape.width)) for sample in samples]
        stored = [sample.lr if own else None for sample, own in zip(samples, paired, strict=True)]

        made = [i for i, lr in enumerate(stored) if lr is None]
        rngs = (stream(self.seed, _PAIR, chunk, number, places[i]) for i in made)
        lrs = {i: resize_like_pil(lr, (shape.height, shape.width)) for i, lr in enumerate(stored) if lr is not None}
        if made:
            config = self.degradation_at(chunk * CHUNK_STEPS)
            params = sample_params(config, np.concatenate([draw_numbers(rng) for rng in rngs]), height=2 * shape.height)
            lrs |= dict(zip(made, degrade_each([hrs[i] for i in made], params, config), strict=True))

        # TextZoom's protocol squashes last: text is degraded at its own aspect.
        if shape.squashed_width is not None:
            hrs = [resize_like_pil(hr, (2 * shape.height, 2 * shape.squashed_width)) for hr in hrs]
            lrs = {i: resize_like_pil(lr, shape.size) for i, lr in lrs.items()}

        return Batch(
            ids=tuple(sample.id for sample in samples),
            lr=to_tensor([lrs[i] for i in range(len(samples))]),
            hr=to_tensor(hrs),
            labels=tuple(sample.label for sample in samples),
            glyphs=None if self.slots is None else glyph_targets(samples, self.slots, shape.size),
        )


def _groups(order: NDArray[np.int64], aspects: NDArray[np.float64] | None) -> list[NDArray[np.int64]]:
    """The words of a chunk cut into its batches: of equal numbers, or where they differ in aspect of equal pixels."""
    if aspects is not None:
        passed = np.cumsum(aspects[order])
        cuts = np.searchsorted(passed, passed[-1] * np.arange(1, CHUNK_STEPS) / CHUNK_STEPS, side="right")
        groups = np.split(order, cuts)
        if all(len(group) for group in groups):
            return groups
    return np.array_split(order, CHUNK_STEPS)
