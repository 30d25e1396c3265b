"""The processes of an extraction: they end with the one that started them, and say so when one of them dies."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from glyphsr.config.extraction import ExtractConfig
from glyphsr.errors import GlyphSRError
from glyphsr.extraction.localizers import ComponentInfo
from glyphsr.extraction.ray_chunks import run_on_ray
from glyphsr.extraction.worker import ChunkResult, Worker, WorkerSpec
from glyphsr.system.process_pool import WORKER_DIED, end_with_parent, process_pool, usable_cores
from glyphsr.system.subprocess_env import child_environment

MALLOC = {
    "MALLOC_MMAP_THRESHOLD_": "1073741824",
    "MALLOC_TRIM_THRESHOLD_": "1073741824",
    "MALLOC_TOP_PAD_": "67108864",
}
"""Keeps glibc from returning SAM's large tensors to the system between operations, only to fetch them again."""

_worker: Worker | None = None


def number_of_workers(config: ExtractConfig, segmenter: ComponentInfo, device: str) -> int:
    """Processes that ``auto`` stands for: one per core that the memory suffices for, with a GPU one."""
    if config.workers != "auto":
        return config.workers
    # Several processes would only wait for the one GPU.
    if device != "cpu":
        return 1
    # Ink needs a core alone, SAM also memory for weights and activations.
    cores = usable_cores()
    if segmenter.facts["name"] != "sam":
        return cores
    need = 2 * Path(segmenter.facts["path"]).stat().st_size + 3_000_000_000  # weights, activations
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else 2 * need
    return int(max(1, min(cores, memory // need)))


def run_chunks(spec: WorkerSpec, chunks: Sequence[int]) -> Iterator[ChunkResult]:
    """Chunks in the order in which they are finished, done by whom the settings say.

    Raises:
        GlyphSRError: If a process dies.
        OSError: If a chunk cannot be written.
    """
    if spec.config.engine == "ray":
        yield from run_on_ray(spec, chunks)
        return
    workers = min(number_of_workers(spec.config, spec.segmenter, spec.device), len(chunks))
    heavy = spec.segmenter.facts["name"] == "sam" and spec.device == "cpu"  # wants memory of its own
    if workers > 1 or (workers and heavy):
        yield from run_in_processes(spec, chunks, workers)
        return
    # In this process: no other one has to be started for a little ink.
    worker = Worker(spec)
    for chunk in chunks:
        yield worker.run(chunk)


def start_worker(spec: WorkerSpec, threads: int) -> None:
    """Prepare a process of the pool; ``threads`` for its numerical libraries."""
    global _worker
    import cv2

    # Each process has its share of the cores; more threads would wait for each other.
    end_with_parent()
    cv2.setNumThreads(threads)
    if spec.segmenter.facts["name"] == "sam" or spec.localizer.facts["name"] != "cuts":
        import torch

        torch.set_num_threads(threads)
    _worker = Worker(spec)


def run_chunk(chunk: int) -> ChunkResult:
    """Extract one chunk in a process of the pool."""
    assert _worker is not None
    return _worker.run(chunk)


def run_in_processes(spec: WorkerSpec, chunks: Sequence[int], workers: int) -> Iterator[ChunkResult]:
    """Chunks in the order in which they are finished.

    Raises:
        GlyphSRError: If a process dies.
        OSError: If a chunk cannot be written.
    """
    threads = max(1, usable_cores() // workers)
    try:
        with process_pool(workers, start_worker, (spec, threads)) as pool:
            with child_environment(MALLOC):  # the processes start with the first task
                futures = [pool.submit(run_chunk, chunk) for chunk in chunks]
            for future in as_completed(futures):
                yield future.result()
    except BrokenProcessPool as error:
        raise GlyphSRError(f"{spec.source}: {WORKER_DIED}. Finished chunks stay, the same command continues") from error
