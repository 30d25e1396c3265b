"""Makes training batches ahead of the loop, in other processes."""

import signal
from collections.abc import Generator, Iterator
from contextlib import contextmanager, nullcontext
from multiprocessing import resource_tracker
from typing import Any

import cv2
import torch
from torch.utils.data import DataLoader, Dataset

from glyphsr.data.train_batches import CHUNK_STEPS, TrainBatches
from glyphsr.errors import GlyphSRError
from glyphsr.types import Batch


def _prepare_worker(_worker: int) -> None:
    """One thread each, and deaf to the signals that ask the main process to save and stop."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    torch.set_num_threads(1)
    cv2.setNumThreads(0)


def _only(items: list[Any]) -> Any:
    return items[0]


class _Careful(Dataset[list[Batch] | GlyphSRError]):
    """Hands errors over as values: a raised one would arrive with the worker's traceback as its text."""

    def __init__(self, train_batches: TrainBatches) -> None:
        self.train_batches = train_batches

    def __getitem__(self, chunk: int) -> list[Batch] | GlyphSRError:
        try:
            return self.train_batches[chunk]
        except GlyphSRError as error:
            return error


@contextmanager
def _signals_held_back() -> Iterator[None]:
    """Processes that start in this block never get the signals that ask the main process to save and stop.

    They would get them with it, and break off while they still import. A signal to this process waits for the end.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    resource_tracker.ensure_running()  # starting it later would let signals through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def iterate_batches(
    train_batches: TrainBatches, *, first_step: int, last_step: int, workers: int = 0
) -> Generator[Batch]:
    """Batches of the steps ``first_step .. last_step - 1``, the same whatever the start or the number of workers.

    Raises:
        DataError: If a word cannot be read.
    """
    # Whole chunks are made; steps outside the range are passed over below.
    chunks = range(first_step // CHUNK_STEPS, -(-last_step // CHUNK_STEPS))
    loader = DataLoader(
        _Careful(train_batches),
        sampler=chunks,
        batch_size=1,
        collate_fn=_only,
        num_workers=workers,
        generator=torch.Generator(),  # else it draws from the global one, and a resumed run would differ
        worker_init_fn=_prepare_worker,
        prefetch_factor=2 if workers else None,
        multiprocessing_context="spawn" if workers else None,  # an open LMDB must not cross a fork
    )
    with _signals_held_back() if workers else nullcontext():
        made = iter(loader)

    try:
        for chunk, batches in zip(chunks, made, strict=True):
            if isinstance(batches, GlyphSRError):
                raise batches
            for i, batch in enumerate(batches):
                if first_step <= chunk * CHUNK_STEPS + i < last_step:
                    yield batch
    finally:
        # Else they would be ended at exit, by a signal to which they are deaf.
        shut_down = getattr(made, "_shutdown_workers", None)
        if shut_down is not None:
            shut_down()
