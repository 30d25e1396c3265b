"""Pairs of an LMDB in order, many at a time: the reading half of an evaluation."""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset

from glyphsr.data.lmdb_pairs import PairedLmdb
from glyphsr.errors import DataError
from glyphsr.images.resize import resize_like_pil
from glyphsr.types import Sample

LR_SIZE, HR_SIZE = (16, 64), (32, 128)
"""``(height, width)`` to which the published protocol brings every pair."""


def to_tensor(images: list[NDArray[np.uint8]]) -> torch.Tensor:
    """Equal-sized ``(H, W, 3)`` uint8 images to ``(B, 3, H, W)`` float32 in [0, 1]."""
    return planes(torch.from_numpy(np.stack(images)))


def planes(images: torch.Tensor) -> torch.Tensor:
    """``(B, H, W, 3)`` uint8 to ``(B, 3, H, W)`` float32 in [0, 1]."""
    return images.permute(0, 3, 1, 2).contiguous().float().div_(255.0)  # bytes are cheaper to reorder than floats


@dataclass(frozen=True)
class BadSample:
    """A sample that cannot be used, and why."""

    id: str
    problem: str
    place: int = 0
    """Its index in the set, counted from 0."""


@dataclass(frozen=True, eq=False)
class PairChunk:
    """Consecutive samples, and those among them that are broken."""

    ids: list[str]
    labels: list[str]
    lr: list[NDArray[np.uint8]] | torch.Tensor
    """``(h, w, 3)`` uint8 each; one tensor ``(n, h, w, 3)`` where all have one size."""
    hr: list[NDArray[np.uint8]] | torch.Tensor
    """Likewise."""
    bad: list[BadSample]
    places: list[int]
    """Index of each usable sample in the set, counted from 0."""

    @property
    def samples(self) -> list[Sample]:
        """The usable samples one by one; arrays are views where they were stacked."""
        lr, hr = (side.numpy() if isinstance(side, torch.Tensor) else side for side in (self.lr, self.hr))
        return [Sample(*row) for row in zip(self.ids, hr, self.labels, lr, strict=True)]

    def until(self, place: int) -> "PairChunk":
        """The samples, usable and broken, before a place of the set."""
        kept = sum(own < place for own in self.places)
        bad = [item for item in self.bad if item.place < place]
        return PairChunk(self.ids[:kept], self.labels[:kept], self.lr[:kept], self.hr[:kept], bad, self.places[:kept])

    def nbytes(self) -> int:
        """Memory that its pictures take."""
        return sum(side.nbytes for side in (self.lr, self.hr) if isinstance(side, torch.Tensor))


class PairChunks(Dataset[PairChunk]):
    """Chunk ``c`` is the samples ``c * size .. (c + 1) * size - 1`` of an environment.

    Args:
        source: The environment.
        size: Samples per chunk.
        squash: Bring pairs to the published protocol's sizes, 16 x 64 and 32 x 128; else leave them as stored.
    """

    def __init__(self, source: PairedLmdb, size: int, *, squash: bool) -> None:
        self.source, self.size, self.squash = source, size, squash
        # Keys that were never written are one problem of the set, not one each of its samples.
        self.count = len(source)

    def __len__(self) -> int:
        return -(-self.count // self.size)

    def __getitem__(self, chunk: int) -> PairChunk:
        samples: list[Sample] = []
        bad: list[BadSample] = []
        places: list[int] = []
        for index in range(chunk * self.size, min((chunk + 1) * self.size, self.count)):
            try:
                samples.append(self._sample(index))
                places.append(index)
            except DataError as error:
                bad.append(BadSample(self.source.where(index), str(error), index))

        ids, labels = [sample.id for sample in samples], [sample.label for sample in samples]
        lr = [sample.lr for sample in samples if sample.lr is not None]
        hr = [sample.hr for sample in samples]
        if self.squash and samples:
            # Two tensors travel from a worker in shared memory; many arrays would be pickled one by one.
            return PairChunk(ids, labels, torch.from_numpy(np.stack(lr)), torch.from_numpy(np.stack(hr)), bad, places)

        return PairChunk(ids, labels, lr, hr, bad, places)

    def _sample(self, index: int) -> Sample:
        sample = self.source[index]
        if sample.lr is None:
            raise DataError(f"{self.source.where(index)}: no LR side, as in sets for recognition")

        if not sample.label:
            where = f"{self.source.path}: label-{index + 1:09d}"
            raise DataError(f"{where}: empty; write the text that the picture shows, or leave the sample out")

        if not self.squash:
            return sample
        return Sample(sample.id, resize_like_pil(sample.hr, HR_SIZE), sample.label, resize_like_pil(sample.lr, LR_SIZE))


def _only(items: list[PairChunk]) -> PairChunk:
    return items[0]


def _single_thread(_worker: int) -> None:
    torch.set_num_threads(1)
    cv2.setNumThreads(0)


def _load(chunks: PairChunks, order: list[int], workers: int) -> Iterator[PairChunk]:
    return iter(
        DataLoader(
            chunks,
            sampler=order,
            batch_size=1,
            collate_fn=_only,
            num_workers=workers,
            worker_init_fn=_single_thread,
            prefetch_factor=4 if workers else None,
            multiprocessing_context="spawn" if workers else None,  # an open LMDB must not cross a fork
        )
    )


def iterate_chunks(
    source: PairedLmdb, size: int, *, squash: bool, workers: int = 0, passes: int = 1, cache_bytes: int = 0
) -> Iterator[PairChunk]:
    """Chunks of an environment in order, the same with any number of worker processes.

    Args:
        source: The environment.
        size: Samples per chunk.
        squash: See :class:`PairChunks`.
        workers: Processes that read ahead; 0 reads in this one. They take seconds to start, so they pay from some ten
            thousand pairs on.
        passes: How often all chunks come.
        cache_bytes: Memory in which squashed chunks are kept for the next pass.
    """
    chunks = PairChunks(source, size, squash=squash)

    every = list(range(len(chunks)))
    kept: dict[int, PairChunk] = {}
    room = cache_bytes if squash else 0
    if room <= 0:
        yield from _load(chunks, every * passes, workers)
        return

    # First pass: what fits into the memory is kept.
    for number, chunk in zip(every, _load(chunks, every, workers), strict=True):
        if chunk.nbytes() <= room:
            room -= chunk.nbytes()
            kept[number] = chunk
        yield chunk

    # Later passes: the rest is read again, in one go, so that workers start once.
    missing = [number for number in every if number not in kept] * (passes - 1)
    fetched = _load(chunks, missing, workers) if missing else iter(())
    for number in every * (passes - 1):
        yield kept[number] if number in kept else next(fetched)
