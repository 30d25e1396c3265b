"""Training batches as a pure function of seed and step: any process can make any of them, in any order."""

import signal
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset

from glyphsr.config.training import DataConfig, DegradationConfig
from glyphsr.data.degradation import degrade
from glyphsr.data.pair_loader import resize, to_tensor
from glyphsr.data.rendering import render_word
from glyphsr.data.sources import WordSource
from glyphsr.types import Batch, Sample

CHUNK_STEPS = 8
"""Batches that are drawn together, so that words of like width can share one."""

REFERENCE_PIXELS = 16 * 64
"""LR pixels of one picture at which ``batch_size`` is counted."""


@dataclass(frozen=True)
class LineShape:
    """LR height and width of one batch, in pixels."""

    height: int
    width: int


class BatchMaker(Dataset[list[Batch]]):
    """Chunk ``c`` of :data:`CHUNK_STEPS` batches is drawn from the seed ``(seed, c)`` alone.

    Args:
        sources: Where words come from.
        config: Shapes and degradation.
        batch_size: Pictures per batch at 16 x 64; other shapes get as many as have the same pixels.
        seed: Base seed.
    """

    def __init__(self, sources: list[WordSource], config: DataConfig, *, batch_size: int, seed: int) -> None:
        self.sources = sources
        self.config = config
        self.batch_size = batch_size
        self.seed = seed
        weights = np.array([source.weight for source in sources])
        self._shares = weights / weights.sum()

    def draw_word(self, rng: np.random.Generator) -> tuple[Sample, bool]:
        """A random sample and whether its stored LR side is to be used."""
        source = self.sources[rng.choice(len(self.sources), p=self._shares)]
        if source.collection is None:
            return render_word(rng), False
        return source.collection[source.indices[rng.integers(len(source.indices))]], source.paired

    def degradation_at(self, step: int) -> DegradationConfig:
        """The configured degradation, milder while the ramp lasts."""
        config = self.config.degradation
        if step >= self.config.ramp_steps:
            return config
        left = 1 - step / self.config.ramp_steps
        return config.model_copy(update={"mild_share": left + (1 - left) * config.mild_share})

    def make_pair(
        self,
        sample: Sample,
        shape: LineShape,
        rng: np.random.Generator,
        *,
        paired: bool,
        degradation: DegradationConfig | None = None,
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """LR ``(h, w, 3)`` and HR ``(2h, 2w, 3)`` of one sample."""
        hr = resize(sample.hr, (2 * shape.height, 2 * shape.width))
        if paired and sample.lr is not None:
            return resize(sample.lr, (shape.height, shape.width)), hr
        return degrade(hr, degradation or self.config.degradation, rng), hr

    def _aspect(self, sample: Sample, rng: np.random.Generator) -> float:
        height, width = sample.hr.shape[:2]
        jitter = self.config.aspect_jitter ** rng.uniform(-1, 1)
        return float(np.clip(jitter * width / height, 1.0, self.config.max_aspect))

    def __getitem__(self, chunk: int) -> list[Batch]:
        rng = np.random.default_rng([self.seed, chunk])
        degradation = self.degradation_at(chunk * CHUNK_STEPS)
        words = [self.draw_word(rng) for _ in range(CHUNK_STEPS * self.batch_size)]
        aspects = np.array([self._aspect(sample, rng) for sample, _ in words])
        order = np.argsort(aspects, kind="stable")
        batches = []
        for group in rng.permutation(np.array_split(order, CHUNK_STEPS)):
            height = int(rng.choice(self.config.heights))
            width = self.config.line_width or max(16, round(height * float(np.median(aspects[group])) / 4) * 4)
            shape = LineShape(height, width)
            count = max(1, round(self.batch_size * REFERENCE_PIXELS / (height * width)))
            # Wide shapes take part of the group, narrow ones repeat words under other degradations.
            members = np.resize(rng.permutation(group), count)
            samples = [words[i] for i in members]
            pairs = [
                self.make_pair(sample, shape, rng, paired=paired, degradation=degradation) for sample, paired in samples
            ]
            batches.append(
                Batch(
                    ids=tuple(sample.id for sample, _ in samples),
                    lr=to_tensor([lr for lr, _ in pairs]),
                    hr=to_tensor([hr for _, hr in pairs]),
                    labels=tuple(sample.label for sample, _ in samples),
                )
            )
        return batches


def _prepare_worker(_worker: int) -> None:
    """One thread each, and deaf to the signals that ask the main process to save and stop."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    torch.set_num_threads(1)
    cv2.setNumThreads(0)


def _only(items: list[list[Batch]]) -> list[Batch]:
    return items[0]


def iterate_batches(maker: BatchMaker, *, first_step: int, last_step: int, workers: int = 0) -> Iterator[Batch]:
    """Batches of the steps ``first_step .. last_step - 1``, the same whatever the start or the number of workers."""
    chunks = range(first_step // CHUNK_STEPS, -(-last_step // CHUNK_STEPS))
    loader = DataLoader(
        maker,
        sampler=chunks,
        batch_size=1,
        collate_fn=_only,
        num_workers=workers,
        generator=torch.Generator(),  # else it draws from the global one, and a resumed run would differ
        worker_init_fn=_prepare_worker,
        prefetch_factor=2 if workers else None,
        multiprocessing_context="spawn" if workers else None,  # an open LMDB must not cross a fork
    )
    for chunk, batches in zip(chunks, loader, strict=True):
        for i, batch in enumerate(batches):
            if first_step <= chunk * CHUNK_STEPS + i < last_step:
                yield batch
