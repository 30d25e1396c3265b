"""Runs a model over lines in batches: its prior along whole lines, its network over their tiles."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from glyphsr.errors import WeightsError
from glyphsr.images.resize import FloatImage
from glyphsr.images.tiling import TilePlan, blend_tiles, cut_tiles
from glyphsr.models.confidence_gate import gate
from glyphsr.models.super_resolver import SuperResolver
from glyphsr.models.text_prior import TextPrior
from glyphsr.models.word_readings import WordReading
from glyphsr.recognizers.protocols import ColumnRecognizer
from glyphsr.system.devices import is_out_of_memory
from glyphsr.text.lexicon import Lexicon

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class NetworkResult:
    """What the model made of one line."""

    sr: FloatImage
    """``(2h, 2w, 3)``, not clipped, nothing held back."""
    words: tuple[WordReading, ...] = ()
    """What the prior read; places are columns of the line."""
    gate: FloatImage | None = None
    """``(1, 2w, 3)``: fraction of the network's change that is to be applied; ``None`` for all of it."""


@dataclass(frozen=True, eq=False)
class _Read:
    """What the prior made of one line or tile."""

    guide: Tensor
    """``(K, 1, T)``."""
    words: tuple[WordReading, ...]
    is_given: bool


class NetworkRunner:
    """A model and how to run it.

    Args:
        model: On its device, in evaluation mode.
        device: That device.
        dtype: Of autocast; a batch that comes out non-finite is run again in float32.
        batch_pixels: Pixels of a batch; halved when memory runs out.
        name: Names the weights in messages.
        lexicon: Word list by which readings are corrected.
        draw_all: Hold nothing back.
    """

    def __init__(
        self,
        model: SuperResolver,
        *,
        device: torch.device,
        dtype: torch.dtype,
        batch_pixels: int,
        name: str,
        lexicon: Lexicon | None = None,
        draw_all: bool = False,
    ) -> None:
        self.model = model
        self.device = device
        self.dtype = dtype
        self.batch_pixels = batch_pixels
        self.name = name
        self.lexicon = lexicon
        self.draw_all = draw_all

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
        along = self._reads_along_lines
        read: list[_Read] | None = None
        if self.model.prior is not None and along:
            read = self._read(lines, texts)
            guides = [_part(read[i].guide, start, plan) for i, plan in enumerate(plans) for start in plan.starts]
        elif self.model.prior is not None:
            # A text is a whole line's, so only a line of one tile can be given it.
            known = [texts[i] if len(plans[i].starts) == 1 else None for i in owners]
            by_tile = self._read(tiles, known)
            guides = [part.guide for part in by_tile]
            read = _joined(by_tile, plans)
        else:
            guides = []

        made = iter(self._super_resolve(tiles, guides))
        results = []
        for i, plan in enumerate(plans):
            sr = blend_tiles([next(made) for _ in plan.starts], plan)
            results.append(self._result(sr, read[i] if read else None, plan))
        return results

    @property
    def _reads_along_lines(self) -> bool:
        """Whether the prior's steps are places, so that a line of many tiles can be read at once."""
        prior, network = self.model.prior, self.model.config.network
        return prior is not None and isinstance(prior.recognizer, ColumnRecognizer) and network.fixed_size is None

    def _result(self, sr: FloatImage, read: _Read | None, plan: TilePlan) -> NetworkResult:
        if read is None:
            return NetworkResult(sr)
        steps = read.guide.shape[2]
        scale = plan.width / steps
        words = moved(read.words, scale)
        confidence_gate = self.model.config.confidence_gate
        if confidence_gate is None or self.draw_all:
            return NetworkResult(sr, words)
        gates = gate([read.words], [read.is_given], confidence_gate, steps=steps, width=sr.shape[1])  # (1, 1, 1, 2w)
        return NetworkResult(sr, words, gates[0, 0].numpy()[..., None].repeat(3, axis=2))

    def _read(self, lines: Sequence[FloatImage], texts: Sequence[str | None]) -> list[_Read]:
        """The text prior of each picture."""

        def run(batch: Tensor, members: list[int]) -> list[_Read]:
            prior: TextPrior = self._precise(
                lambda: self.model.text_prior(batch, [texts[i] for i in members], lexicon=self.lexicon),
                lambda found: found.guide,
            )
            rows = zip(prior.guide.float(), prior.words, prior.given, strict=True)
            return [_Read(*row) for row in rows]

        return self._batched(lines, run)

    def _super_resolve(self, tiles: Sequence[FloatImage], guides: Sequence[Tensor]) -> list[FloatImage]:
        """The network's result on each tile."""

        def run(batch: Tensor, members: list[int]) -> list[FloatImage]:
            guide = torch.stack([guides[i] for i in members]) if guides else None
            picture = self.model.network_input(batch)
            sr = self._precise(lambda: self.model.network(picture, guide).sr, lambda found: found)
            if not bool(torch.isfinite(sr).all()):
                raise WeightsError(f"{self.name}: returns NaN or infinity; download the weights again, or retrain")
            return list(sr[:, :3].float().permute(0, 2, 3, 1).cpu().numpy())

        return self._batched(tiles, run)

    def _precise(self, run: Callable[[], T], tensor_of: Callable[[T], Tensor]) -> T:
        """A result in the configured precision, or in float32 where that is not finite."""
        with torch.autocast(self.device.type, dtype=self.dtype, enabled=self.dtype != torch.float32):
            found = run()
        if self.dtype != torch.float32 and not bool(torch.isfinite(tensor_of(found)).all()):
            return run()
        return found

    @torch.inference_mode()
    def _batched(self, pictures: Sequence[FloatImage], run: Callable[[Tensor, list[int]], list[T]]) -> list[T]:
        """Results of pictures ``(h, w, 3)``, those of one size together; batches are halved when memory runs out.

        Args:
            pictures: Of any sizes.
            run: Takes ``(B, 3, h, w)`` on the device and which pictures they are; gives one result each.
        """
        by_shape: dict[tuple[int, int], list[int]] = defaultdict(list)
        for i, picture in enumerate(pictures):
            by_shape[picture.shape[0], picture.shape[1]].append(i)

        results: dict[int, T] = {}
        for (height, width), members in by_shape.items():
            first = 0
            while first < len(members):
                count = max(1, self.batch_pixels // (height * width))
                chosen = members[first : first + count]
                batch = torch.from_numpy(np.stack([pictures[i] for i in chosen])).permute(0, 3, 1, 2)
                try:
                    done = run(batch.to(self.device), chosen)
                except RuntimeError as error:
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


def _part(guide: Tensor, start: int, plan: TilePlan) -> Tensor:
    """The prior of a tile: the line's, read between its steps where the tile's lie there.

    Args:
        guide: ``(K, 1, T)`` of the whole line.
        start: Left edge of the tile.
        plan: Of the line.
    """
    if len(plan.starts) == 1:
        return guide
    steps = guide.shape[2]
    count = max(1, round(steps * plan.window / plan.width))
    centres = start + (torch.arange(count, device=guide.device) + 0.5) * plan.window / count
    places = (centres * steps / plan.width - 0.5).clamp(0, steps - 1)
    before = places.floor().long()
    weight = places - before
    after = (before + 1).clamp_max(steps - 1)
    return guide[:, :, before] * (1 - weight) + guide[:, :, after] * weight


def _joined(parts: Sequence[_Read], plans: Sequence[TilePlan]) -> list[_Read]:
    """One reading a line of those of its tiles: each word from the tile in whose own part its middle lies."""
    left, joined = iter(parts), []
    for plan in plans:
        own = [next(left) for _ in plan.starts]
        if len(own) == 1:
            joined.append(own[0])
            continue

        steps = own[0].guide.shape[2]

        scale = plan.window / steps
        total = round(plan.width / scale)
        words = []
        for i, (part, start) in enumerate(zip(own, plan.starts, strict=True)):
            low = 0.0 if i == 0 else (start + plan.starts[i - 1] + plan.window) / 2
            high = float(plan.width) if i + 1 == len(own) else (plan.starts[i + 1] + start + plan.window) / 2
            for word in part.words:
                middle = start + scale * (word.start + word.stop) / 2
                if low <= middle < high or (i + 1 == len(own) and middle >= high):
                    at = round(start / scale)
                    words.append(replace(word, start=word.start + at, stop=min(total, word.stop + at)))

        guide = F.interpolate(own[0].guide, size=total)  # of which only the number of steps matters
        joined.append(_Read(guide, tuple(words), is_given=False))

    return joined
