"""Scores a model during training, on words held out of it or, as the lineage did, on the test subsets."""

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, field
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from glyphsr.config.training import TrainConfig
from glyphsr.data.degradation.apply import degrade
from glyphsr.data.glyph_targets import glyph_targets
from glyphsr.data.lmdb_pairs import PairedLmdb
from glyphsr.data.pair_loader import HR_SIZE, LR_SIZE, to_tensor
from glyphsr.data.sources import WordSource, find_lmdb
from glyphsr.errors import DataError
from glyphsr.images.resize import resize_like_pil
from glyphsr.metrics.accuracy import words_match
from glyphsr.metrics.glyph_maps import MapSums, map_sums
from glyphsr.metrics.psnr import psnr
from glyphsr.models.protocols import GlyphNetwork
from glyphsr.models.registry import RecognizerNetwork
from glyphsr.models.super_resolver import SuperResolver, Trained
from glyphsr.ocr.readers import Reader
from glyphsr.text.slots import CharacterSlots, SlotCodec
from glyphsr.training.distributed import DistributedContext
from glyphsr.types import GlyphOutput, GlyphTargets, SROutput

VALIDATION_SEED = 20_250_101
"""Seed of the held-out words' degradations; the same for every run."""

HEIGHT = 16
"""Line height of held-out words."""

MAX_BATCH = 48
TEST_SUBSETS = ("easy", "medium", "hard")
HELD_OUT = "held out"
SIDES = ("lr", "hr")
SHARP, BLURRED = "HR", "LR enlarged"
"""What a recognizer is validated on."""
MAPS = ("char", "line")
"""Glyph maps that are compared with masks."""


@dataclass(frozen=True, eq=False)
class Pair:
    """A word to validate on."""

    lr: NDArray[np.uint8]
    hr: NDArray[np.uint8]
    label: str
    part: str = HELD_OUT
    glyphs: GlyphTargets | None = None
    """Masks of one word at LR size, ``None`` where it has none or none are learned."""


@dataclass(frozen=True)
class ValidationScore:
    """Means over the words."""

    words: int
    prior_accuracy: float | None
    """Fraction of LR pictures that the text prior reads correctly; ``None`` without prior."""
    psnr_db: float | None = None
    """Of the network's picture; ``None`` where only the prior is trained."""
    bicubic_psnr_db: float | None = None
    accuracy: float | None = None
    """Fraction of SR words that the judge reads, as a plain mean over the parts; ``None`` where it is not asked. Of a
    recognizer in training the fraction of HR and of blurred words, as it is shown them."""
    parts: dict[str, float] = field(default_factory=dict)
    """The same by test subset, or by what a recognizer was shown."""
    glyphs: dict[str, float] = field(default_factory=dict)
    """Of the maps that are taught, over the words that have masks: ``char_iou``, ``char_mse``, and ``char_zero_mse`` of
    maps of zeros, ``line_...`` likewise (:mod:`glyphsr.metrics.glyph_maps`)."""

    def as_dict(self) -> dict[str, Any]:
        """Plain values for logs and cards."""
        rounded: dict[str, Any] = {
            "words": self.words,
            **{
                name: None if value is None or not math.isfinite(value) else round(value, 4)
                for name, value in (
                    ("prior_accuracy", self.prior_accuracy),
                    ("psnr_db", self.psnr_db),
                    ("bicubic_psnr_db", self.bicubic_psnr_db),
                    ("accuracy", self.accuracy),
                )
            },
        }

        rounded |= {"parts": {k: round(v, 4) for k, v in self.parts.items()}} if self.parts else {}
        return rounded | {name: round(value, 6) for name, value in self.glyphs.items()}

    @property
    def figure(self) -> float:
        """What weights are selected by; more is better, what is no number is worst."""
        for value in (self.accuracy, self.psnr_db, self.prior_accuracy):
            if value is not None:
                return value if math.isfinite(value) else -math.inf
        return 0.0

    def describe(self) -> str:
        """One line for a person."""
        parts = [] if self.psnr_db is None else [f"{self.psnr_db:.2f} dB (bicubic {self.bicubic_psnr_db:.2f})"]

        if self.accuracy is not None:
            each = ", ".join(f"{name} {value:.1%}" for name, value in self.parts.items())
            who = "reads" if self.psnr_db is None else "judge reads"
            what = f"words ({each})" if self.psnr_db is None else "SR" + (f" ({each})" if each else "")
            parts.append(f"{who} {self.accuracy:.1%} of {what}")

        if self.prior_accuracy is not None:
            parts.append(f"prior reads {self.prior_accuracy:.1%} of {self.words} LR words")

        for name in MAPS:
            if f"{name}_iou" in self.glyphs:
                ratio = self.glyphs[f"{name}_mse"] / max(self.glyphs[f"{name}_zero_mse"], 1e-12)
                parts.append(f"{name} maps IoU {self.glyphs[f'{name}_iou']:.2f}, MSE {ratio:.2f} of that of zeros")

        return ", ".join(parts)


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
        rng = np.random.default_rng(VALIDATION_SEED)
        count = config.validation.words
        if source.is_endless:
            samples = [source.collection[i] for i in range(count)]
        else:
            chosen = rng.permutation(np.array(source.indices, np.int64))[:count]
            samples = [source.collection[int(i)] for i in chosen]

        for sample in samples:
            aspect = min(max(1.0, sample.hr.shape[1] / sample.hr.shape[0]), config.data.max_aspect)

            width = config.data.line_width or round(HEIGHT * aspect / 4) * 4
            hr = resize_like_pil(sample.hr, (2 * HEIGHT, 2 * width))
            if source.paired and sample.lr is not None:
                lr = resize_like_pil(sample.lr, (HEIGHT, width))
            else:
                lr = degrade(hr, config.data.degradation, rng)

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
            lr, hr = (to_tensor([getattr(pair, side) for pair in batch]).to(self.processes.device) for side in SIDES)
            plain = F.interpolate(lr, size=hr.shape[-2:], mode="bicubic", align_corners=False).clamp(0, 1)
            for name, pictures in ((SHARP, hr), (BLURRED, plain)):
                read[name] += _matches([reading.text for reading in recognizer.read(pictures)], batch)
        totals = self._totals(list(read.values()))
        if not self.pairs:
            return ValidationScore(words=0, prior_accuracy=None)
        parts = {name: total / len(self.pairs) for name, total in zip(read, totals, strict=True)}
        accuracy = (1 - self.blurred_fraction) * parts[SHARP] + self.blurred_fraction * parts[BLURRED]
        return ValidationScore(len(self.pairs), None, accuracy=accuracy, parts=parts)

    def _score_super_resolver(self, model: SuperResolver) -> ValidationScore:
        device = self.processes.device

        read, fidelity, bicubic = 0, 0.0, 0.0
        right = dict.fromkeys(self.parts, 0)
        maps = dict.fromkeys(MAPS, MapSums())
        for batch in self._batches():
            lr, hr = (to_tensor([getattr(pair, side) for pair in batch]).to(device) for side in SIDES)
            if model.prior is not None:
                read += _matches([reading.text for reading in model.prior.recognizer.read(lr)], batch)

            if self.task == "sr":
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
        own_maps = [value for sums in maps.values() for value in astuple(sums)]
        total_read, total_fidelity, total_bicubic, *rest = self._totals(
            [read, fidelity, bicubic, *right.values(), *own_maps]
        )
        total_right, total_maps = rest[: len(right)], rest[len(right) :]
        if not self.pairs:
            return ValidationScore(words=0, prior_accuracy=None)

        count = len(self.pairs)
        scored = self.task == "sr"
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
    """Means of each kind of maps from their sums, one behind the other."""
    size = len(totals) // len(names)
    scores: dict[str, float] = {}
    for number, name in enumerate(names):
        scores |= MapSums(*totals[number * size : (number + 1) * size]).scores(name)
    return scores


def everything(model: SuperResolver, lr: Tensor) -> SROutput:
    """The picture and every glyph output ``(B, ...)`` of ``(B, 3, h, w)``, though the model is not training."""
    if not isinstance(model.network, GlyphNetwork):
        out: SROutput = model(lr)
        return out
    picture = model.network_input(lr)
    prior = model.text_prior(lr)
    return model.network.perceive(picture, model.guide_of(prior), with_glyphs=True)


def _matches(texts: Sequence[str], batch: Sequence[Pair]) -> int:
    return sum(words_match(text, pair.label) for text, pair in zip(texts, batch, strict=True))
