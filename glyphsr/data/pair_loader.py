"""Pairs of an LMDB in order, many at a time: the reading half of an evaluation."""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from glyphsr.data.lmdb_pairs import PairedLmdb
from glyphsr.errors import DataError
from glyphsr.types import Sample

LR_SIZE, HR_SIZE = (16, 64), (32, 128)
"""``(height, width)`` to which the published protocol brings every pair."""


def to_tensor(images: list[NDArray[np.uint8]]) -> torch.Tensor:
    """Equal-sized ``(H, W, 3)`` uint8 images to ``(B, 3, H, W)`` float32 in [0, 1]."""
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float() / 255.0


def resize(image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """PIL bicubic with antialiasing, as TextZoom's loader, to ``(height, width)``."""
    if image.shape[:2] == size:
        return image
    return np.asarray(Image.fromarray(image).resize((size[1], size[0]), Image.Resampling.BICUBIC))


@dataclass(frozen=True)
class BadSample:
    """A sample that cannot be used, and why."""

    id: str
    problem: str


@dataclass(frozen=True, eq=False)
class PairChunk:
    """Consecutive samples, and those among them that are broken."""

    samples: list[Sample]
    bad: list[BadSample]


class PairChunks(Dataset[PairChunk]):
    """Chunk ``c`` is the samples ``c * size .. (c + 1) * size - 1`` of an environment.

    Args:
        source: The environment.
        size: Samples per chunk.
        squash: Bring pairs to the published protocol's sizes, 16 x 64 and 32 x 128; else leave them as stored.
    """

    def __init__(self, source: PairedLmdb, size: int, *, squash: bool) -> None:
        self.source, self.size, self.squash = source, size, squash
        self.count = len(source)

    def __len__(self) -> int:
        return -(-self.count // self.size)

    def __getitem__(self, chunk: int) -> PairChunk:
        samples, bad = [], []
        for index in range(chunk * self.size, min((chunk + 1) * self.size, self.count)):
            try:
                samples.append(self._sample(index))
            except DataError as error:
                bad.append(BadSample(self.source.where(index), str(error)))
        return PairChunk(samples, bad)

    def _sample(self, index: int) -> Sample:
        sample = self.source[index]
        assert sample.lr is not None
        if not sample.label:
            where = f"{self.source.path}: label-{index + 1:09d}"
            raise DataError(f"{where}: empty; write the text that the picture shows, or leave the sample out")
        if not self.squash:
            return sample
        return Sample(sample.id, resize(sample.hr, HR_SIZE), sample.label, resize(sample.lr, LR_SIZE))


def _only(items: list[PairChunk]) -> PairChunk:
    return items[0]


def _single_thread(_worker: int) -> None:
    torch.set_num_threads(1)
    cv2.setNumThreads(0)


def iterate_chunks(source: PairedLmdb, size: int, *, squash: bool, workers: int = 0) -> Iterator[PairChunk]:
    """Chunks of an environment in order, the same with any number of worker processes.

    Args:
        source: The environment.
        size: Samples per chunk.
        squash: See :class:`PairChunks`.
        workers: Processes that read ahead; 0 reads in this one. They take seconds to start, so they pay from some ten
            thousand pairs on.
    """
    chunks = PairChunks(source, size, squash=squash)
    loader = DataLoader(
        chunks,
        batch_size=1,
        collate_fn=_only,
        num_workers=workers,
        worker_init_fn=_single_thread,
        prefetch_factor=4 if workers else None,
        multiprocessing_context="spawn" if workers else None,  # an open LMDB must not cross a fork
    )
    yield from loader
