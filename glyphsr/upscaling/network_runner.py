"""Runs a model over lines in batches: its prior along whole lines, its network over their tiles."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from glyphsr.config.model import ConfidenceGateConfig
from glyphsr.errors import WeightsError
from glyphsr.images.resize import FloatImage
from glyphsr.images.tiling import TilePlan, blend_tiles, cut_tiles
from glyphsr.reading.gate import at_places, gate_guide, gate_weights
from glyphsr.reading.word_readings import WordReading
from glyphsr.system.devices import is_out_of_memory
from glyphsr.text.lexicon import Lexicon
from glyphsr.upscaling.engine import Engine, FloatBatch, PriorReading

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class NetworkResult:
    """What the model made of one line."""

    sr: FloatImage
    """``(2h, 2w, 3)``, not clipped."""
    words: tuple[WordReading, ...] = ()
    """What the prior read; places are columns of the line."""
    is_sure: bool = True
    """Whether the network was given a text of the line, or of a part of it, or needs none."""


class NetworkRunner:
    """A model and how to run it.

    Args:
        engine: Runs it.
        batch_pixels: Pixels of a batch; halved when memory runs out.
        name: Names the weights in messages.
        confidence_gate: Which words the network is given as the prior reads them; ``None`` for all.
        lexicon: Word list by which readings are corrected.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        batch_pixels: int,
        name: str,
        confidence_gate: ConfidenceGateConfig | None,
        lexicon: Lexicon | None = None,
    ) -> None:
        self.engine = engine
        self.batch_pixels = batch_pixels
        self.name = name
        self.confidence_gate = confidence_gate
        self.lexicon = lexicon

    def run(
        self, lines: Sequence[FloatImage], plans: Sequence[TilePlan], texts: Sequence[str | None]
    ) -> list[NetworkResult]:
        """Super-resolve lines.

        Args:
            lines: ``(h, w, 3)`` in [0, 1] each, of its plan's size.
            plans: How each passes through the network.
            texts: What they say, where that is known.

        Raises:
            WeightsError: If the results are no numbers.
        """
        tiles = [tile for line, plan in zip(lines, plans, strict=True) for tile in cut_tiles(line, plan)]
        owners = [i for i, plan in enumerate(plans) for _ in plan.starts]
        # Guides: cut out of the reading of each whole line, or read tile by tile.
        read: list[PriorReading] | None = None
        if self.engine.has_prior and self.engine.reads_along_lines:
            read = self._read(lines, texts)
            guides = [_part(read[i].guide, start, plan) for i, plan in enumerate(plans) for start in plan.starts]
        elif self.engine.has_prior:
            # A text is a whole line's, so only a line of one tile can be given it.
            known = [texts[i] if len(plans[i].starts) == 1 else None for i in owners]
            by_tile = self._read(tiles, known)
            guides = [part.guide for part in by_tile]
            read = _joined(by_tile, plans)
        else:
            guides = []

        # All tiles of all lines through the network, then each line put together of its own.
        made = iter(self._super_resolve(tiles, guides))
        results = []
        for i, plan in enumerate(plans):
            sr = blend_tiles([next(made) for _ in plan.starts], plan)
            results.append(self._result(sr, read[i] if read else None, plan))
        return results

    def _result(self, sr: FloatImage, read: PriorReading | None, plan: TilePlan) -> NetworkResult:
        if read is None:
            return NetworkResult(sr)
        # From steps to columns of the line.
        words = moved(read.words, plan.width / read.guide.shape[1])
        return NetworkResult(sr, words, self._is_sure(read))

    def _is_sure(self, read: PriorReading) -> bool:
        gate = self.confidence_gate
        return gate is None or read.is_given or any(word.confidence > gate.low for word in read.words)

    def _gated(self, read: PriorReading) -> PriorReading:
        """A reading whose guide is committed to the text as far as the gate says."""
        if self.confidence_gate is None:
            return read
        steps = read.guide.shape[1]
        weights = gate_weights(read.words, self.confidence_gate, is_given=read.is_given, steps=steps)
        return replace(read, guide=gate_guide(read.guide, read.probabilities, weights))

    def _read(self, lines: Sequence[FloatImage], texts: Sequence[str | None]) -> list[PriorReading]:
        """The text prior of each picture."""

        def run(batch: FloatBatch, members: list[int]) -> list[PriorReading]:
            return self.engine.read(batch, [texts[i] for i in members], self.lexicon)

        return [self._gated(read) for read in self._batched(lines, run)]

    def _super_resolve(self, tiles: Sequence[FloatImage], guides: Sequence[NDArray[np.float32]]) -> list[FloatImage]:
        """The network's result on each tile."""

        def run(batch: FloatBatch, members: list[int]) -> list[FloatImage]:
            made = self.engine.super_resolve(batch, [guides[i] for i in members] if guides else [])
            if not all(np.isfinite(sr).all() for sr in made):
                raise WeightsError(f"{self.name}: returns NaN or infinity; download the weights again, or retrain")
            return made

        return self._batched(tiles, run)

    def _batched(self, pictures: Sequence[FloatImage], run: Callable[[FloatBatch, list[int]], list[T]]) -> list[T]:
        """Results of pictures ``(h, w, 3)``, those of one size together; batches are halved when memory runs out.

        Args:
            pictures: Of any sizes.
            run: Takes ``(B, 3, h, w)`` and which pictures they are; gives one result each.
        """
        # Pictures of one size make a batch; no padding, so that company changes no result.
        by_shape: dict[tuple[int, int], list[int]] = defaultdict(list)
        for i, picture in enumerate(pictures):
            by_shape[picture.shape[0], picture.shape[1]].append(i)

        results: dict[int, T] = {}
        for (height, width), members in by_shape.items():
            first = 0
            while first < len(members):
                # Read again each time, since it may have been halved.
                count = max(1, self.batch_pixels // (height * width))
                chosen = members[first : first + count]
                batch = np.ascontiguousarray(np.stack([pictures[i] for i in chosen]).transpose(0, 3, 1, 2))
                try:
                    done = run(batch, chosen)
                except (RuntimeError, MemoryError) as error:
                    if not is_out_of_memory(error) or count == 1:
                        raise
                    self.batch_pixels = max(height * width, self.batch_pixels // 2)
                    continue
                results.update(zip(chosen, done, strict=True))
                first += count
        return [results[i] for i in range(len(pictures))]


def moved(words: Sequence[WordReading], scale: float) -> tuple[WordReading, ...]:
    """The words, their places in other units."""
    return tuple(replace(word, start=round(word.start * scale), stop=round(word.stop * scale)) for word in words)


def _part(guide: NDArray[np.float32], start: int, plan: TilePlan) -> NDArray[np.float32]:
    """The prior of a tile: the line's, read between its steps where the tile's lie there.

    Args:
        guide: ``(K, T)`` of the whole line.
        start: Left edge of the tile.
        plan: Of the line.
    """
    if len(plan.starts) == 1:
        return guide
    steps = guide.shape[1]
    # As many steps as the tile's part of the line has, each at the middle of its columns.
    count = max(1, round(steps * plan.window / plan.width))
    centres = start + (np.arange(count) + 0.5) * plan.window / count
    return at_places(guide, centres * steps / plan.width - 0.5)


def _joined(parts: Sequence[PriorReading], plans: Sequence[TilePlan]) -> list[PriorReading]:
    """One reading a line of those of its tiles: each word from the tile in whose own part its middle lies."""
    left, joined = iter(parts), []
    for plan in plans:
        own = [next(left) for _ in plan.starts]
        if len(own) == 1:
            joined.append(own[0])
            continue
        # Steps of all tiles on one scale: columns of the line per step.
        steps = own[0].guide.shape[1]
        scale = plan.window / steps
        total = round(plan.width / scale)
        words = []
        for i, (part, start) in enumerate(zip(own, plan.starts, strict=True)):
            # Borders between tiles lie in the middle of their overlap.
            low = 0.0 if i == 0 else (start + plan.starts[i - 1] + plan.window) / 2
            high = float(plan.width) if i + 1 == len(own) else (plan.starts[i + 1] + start + plan.window) / 2
            for word in part.words:
                middle = start + scale * (word.start + word.stop) / 2
                if low <= middle < high or (i + 1 == len(own) and middle >= high):
                    at = round(start / scale)
                    words.append(replace(word, start=word.start + at, stop=min(total, word.stop + at)))

        guide = np.zeros((1, total), np.float32)  # of which only the number of steps matters
        joined.append(PriorReading(guide, guide, tuple(words), is_given=False))
    return joined
