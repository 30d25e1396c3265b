"""Scores a model during training."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import astuple

import torch
import torch.nn.functional as F
from torch import Tensor

from glyphsr.config.training import TrainConfig
from glyphsr.data.pair_loader import to_tensor
from glyphsr.metrics.accuracy import words_match
from glyphsr.metrics.glyph_maps import MapSums, map_sums
from glyphsr.metrics.psnr import psnr
from glyphsr.models.protocols import GlyphNetwork
from glyphsr.models.registry import RecognizerNetwork
from glyphsr.models.super_resolver import SuperResolver, Trained
from glyphsr.ocr.readers import Reader
from glyphsr.training.distributed import DistributedContext
from glyphsr.training.validation_pairs import HELD_OUT, Pair
from glyphsr.training.validation_score import MAPS, ValidationScore
from glyphsr.types import GlyphOutput, SROutput

MAX_BATCH = 48
SIDES = ("lr", "hr")
SHARP, BLURRED = "HR", "LR enlarged"
"""What a recognizer is validated on."""


class Validator:
    """Runs a model over fixed pairs, each process over its slice.

    Args:
        pairs: LR and HR words.
        config: The run.
        processes: The ranks that work together.
        judge: Reads SR where accuracy selects; ``None`` where PSNR does.
    """

    def __init__(
        self, pairs: list[Pair], config: TrainConfig, processes: DistributedContext, judge: Reader | None = None
    ) -> None:
        self.pairs = pairs
        self.task = config.task
        self.tasks = config.glyph_tasks
        self.blurred_fraction = config.data.blurred_fraction
        self.processes = processes
        self.judge = judge
        self.parts = list(dict.fromkeys(pair.part for pair in pairs))

    def _batches(self) -> Iterator[list[Pair]]:
        """This process's pairs, those of one shape together."""
        groups: dict[tuple[int, ...], list[Pair]] = defaultdict(list)
        # Every so-many-th pair, so that each process has short and long words.
        for pair in self.pairs[self.processes.rank :: self.processes.count]:
            groups[pair.lr.shape].append(pair)
        for group in groups.values():
            for first in range(0, len(group), MAX_BATCH):
                yield group[first : first + MAX_BATCH]

    @torch.no_grad()
    def score(self, model: Trained) -> ValidationScore:
        """Run the model on every pair, in float32; leaves it in the mode it was in."""
        modes = {module: module.training for module in model.modules()}
        model.eval()
        score = self._score_super_resolver(model) if isinstance(model, SuperResolver) else self._score_recognizer(model)
        for module, mode in modes.items():
            module.training = mode
        return score

    def _score_recognizer(self, recognizer: RecognizerNetwork) -> ValidationScore:
        """The fraction of HR words, and of LR words enlarged by bicubic, that it reads."""
        read = dict.fromkeys((SHARP, BLURRED), 0)
        for batch in self._batches():
            # HR, and LR enlarged to the size of HR, (B, 3, H, W).
            lr, hr = (to_tensor([getattr(pair, side) for pair in batch]).to(self.processes.device) for side in SIDES)
            plain = F.interpolate(lr, size=hr.shape[-2:], mode="bicubic", align_corners=False).clamp(0, 1)
            for name, pictures in ((SHARP, hr), (BLURRED, plain)):
                read[name] += _matches([reading.text for reading in recognizer.read(pictures)], batch)

        totals = self._totals(list(read.values()))
        if not self.pairs:
            return ValidationScore(words=0, prior_accuracy=None)
        parts = {name: total / len(self.pairs) for name, total in zip(read, totals, strict=True)}
        # Both weigh as in training.
        accuracy = (1 - self.blurred_fraction) * parts[SHARP] + self.blurred_fraction * parts[BLURRED]
        return ValidationScore(len(self.pairs), None, accuracy=accuracy, parts=parts)

    def _score_super_resolver(self, model: SuperResolver) -> ValidationScore:
        device = self.processes.device

        # Sums over this process's pairs; `_score` makes means of them.
        read, fidelity, bicubic = 0, 0.0, 0.0
        right = dict.fromkeys(self.parts, 0)
        maps = dict.fromkeys(MAPS, MapSums())
        for batch in self._batches():
            # Both (B, 3, h, w) and (B, 3, H, W) in [0, 1].
            lr, hr = (to_tensor([getattr(pair, side) for pair in batch]).to(device) for side in SIDES)

            if model.prior is not None:
                read += _matches([reading.text for reading in model.prior.recognizer.read(lr)], batch)

            if self.task == "sr":
                # SR against HR, and bicubic beside it as the floor.
                out = everything(model, lr) if any(self.tasks) else model(lr)
                sr = out.sr[:, :3].float()
                for name, sums in self._map_sums(out.glyphs, batch).items():
                    maps[name] = maps[name] + sums

                fidelity += float(psnr(sr.clamp(0, 1), hr).sum())
                plain = F.interpolate(lr, scale_factor=2, mode="bicubic", align_corners=False)
                bicubic += float(psnr(plain.clamp(0, 1), hr).sum())
                if self.judge is not None:
                    self._judge(sr, batch, right)

        return self._score(read, fidelity, bicubic, right, maps, has_prior=model.prior is not None)

    def _map_sums(self, seen: GlyphOutput | None, batch: Sequence[Pair]) -> dict[str, MapSums]:
        """Of the maps that are taught, over the words that have masks."""
        # Words without masks say nothing about maps.
        known = [(i, pair.glyphs) for i, pair in enumerate(batch) if pair.glyphs is not None]
        if seen is None or not known:
            return {}

        rows = [i for i, _ in known]
        pairs = {
            "char": (seen.chars if self.tasks.char else None, [masks.chars for _, masks in known]),
            "line": (seen.line if self.tasks.line else None, [masks.line for _, masks in known]),
        }

        return {
            name: map_sums(maps[rows].float().cpu(), torch.cat(masks))
            for name, (maps, masks) in pairs.items()
            if maps is not None
        }

    def _judge(self, sr: Tensor, batch: Sequence[Pair], right: dict[str, int]) -> None:
        assert self.judge is not None
        for reading, pair in zip(self.judge.read(list(sr)), batch, strict=True):
            right[pair.part] += words_match(reading.text, pair.label)

    def _score(
        self,
        read: int,
        fidelity: float,
        bicubic: float,
        right: dict[str, int],
        maps: dict[str, MapSums],
        *,
        has_prior: bool,
    ) -> ValidationScore:
        """Put the fractions of all processes together."""
        # All sums travel as one vector, and are taken apart in the same order.
        own_maps = [value for sums in maps.values() for value in astuple(sums)]
        total_read, total_fidelity, total_bicubic, *rest = self._totals(
            [read, fidelity, bicubic, *right.values(), *own_maps]
        )
        total_right, total_maps = rest[: len(right)], rest[len(right) :]
        if not self.pairs:
            return ValidationScore(words=0, prior_accuracy=None)

        count = len(self.pairs)
        scored = self.task == "sr"
        # Accuracy is a plain mean over the subsets, as the released test script averages.
        parts: dict[str, float] = {}
        if scored and self.judge is not None:
            sizes = [sum(pair.part == part for pair in self.pairs) for part in self.parts]
            parts = {part: hit / size for part, hit, size in zip(self.parts, total_right, sizes, strict=True)}

        return ValidationScore(
            words=len(self.pairs),
            prior_accuracy=total_read / count if has_prior else None,
            psnr_db=total_fidelity / count if scored else None,
            bicubic_psnr_db=total_bicubic / count if scored else None,
            accuracy=sum(parts.values()) / len(parts) if parts else None,
            parts=parts if set(parts) != {HELD_OUT} else {},
            glyphs=_map_scores(list(maps), total_maps),
        )

    def _totals(self, figures: Sequence[float]) -> list[float]:
        """Sums over all processes."""
        own = torch.tensor(figures, dtype=torch.float64)
        if self.processes.device.type != "mps":  # which has no doubles, and no other processes
            own = own.to(self.processes.device)
        totals: list[float] = self.processes.all_reduce_sum(own).tolist()
        return totals


def _map_scores(names: Sequence[str], totals: Sequence[float]) -> dict[str, float]:
    """Means of each kind of maps from their sums, one after the other."""
    size = len(totals) // len(names)
    scores: dict[str, float] = {}
    for number, name in enumerate(names):
        scores |= MapSums(*totals[number * size : (number + 1) * size]).scores(name)
    return scores


def everything(model: SuperResolver, lr: Tensor) -> SROutput:
    """The picture and every glyph output ``(B, ...)`` of ``(B, 3, h, w)``, though the model is not training."""
    # Other networks have nothing more to show than their picture.
    if not isinstance(model.network, GlyphNetwork):
        out: SROutput = model(lr)
        return out
    picture = model.network_input(lr)
    prior = model.text_prior(lr)
    return model.network.perceive(picture, model.guide_of(prior), with_glyphs=True)


def _matches(texts: Sequence[str], batch: Sequence[Pair]) -> int:
    return sum(words_match(text, pair.label) for text, pair in zip(texts, batch, strict=True))
