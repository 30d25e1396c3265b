"""The processes of an extraction: they end with the one that started them, and say so when one of them dies."""

import multiprocessing
import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait
from pathlib import Path

from glyphsr.child_environment import child_environment
from glyphsr.config.extraction import ExtractConfig
from glyphsr.errors import GlyphSRError
from glyphsr.pipelines.extraction_work import Job, Progress, Worker
from glyphsr.pipelines.localizers import PartInfo

MALLOC = {
    "MALLOC_MMAP_THRESHOLD_": "1073741824",
    "MALLOC_TRIM_THRESHOLD_": "1073741824",
    "MALLOC_TOP_PAD_": "67108864",
}
"""Keeps glibc from returning SAM's large tensors to the system between operations, only to fetch them again."""

_worker: Worker | None = None


def usable_cores() -> int:
    """Cores that this process may use; of those of a machine with several ranks its share."""
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    ranks = os.environ.get("LOCAL_WORLD_SIZE", "")
    return max(1, cores // (int(ranks) if ranks.isdigit() and int(ranks) else 1))


def number_of_workers(config: ExtractConfig, segmenter: PartInfo, device: str) -> int:
    """Processes that ``auto`` stands for: one per core that the memory suffices for, with a GPU one."""
    if config.workers != "auto":
        return config.workers
    if device != "cpu":
        return 1
    cores = usable_cores()
    if segmenter.facts["name"] != "sam":
        return cores
    need = 2 * Path(segmenter.facts["path"]).stat().st_size + 3_000_000_000  # weights, activations
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else 2 * need
    return int(max(1, min(cores, memory // need)))


def start_worker(job: Job, threads: int) -> None:
    """Prepare a process of the pool; ``threads`` for its numerical libraries."""
    global _worker
    import cv2

    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()
    cv2.setNumThreads(threads)
    if job.segmenter.facts["name"] == "sam" or job.localizer.facts["name"] != "cuts":
        import torch

        torch.set_num_threads(threads)
    _worker = Worker(job)


def _end_with(sentinel: int) -> None:
    """A killed parent cannot tell its children; without this they would wait for work for ever."""
    wait([sentinel])
    os._exit(1)


def run_chunk(chunk: int) -> Progress:
    """Extract one chunk in a process of the pool."""
    assert _worker is not None
    return _worker.run(chunk)


def run_in_processes(job: Job, chunks: Sequence[int], workers: int) -> Iterator[Progress]:
    """Chunks in the order in which they are finished.

    Raises:
        GlyphSRError: If a process dies.
        OSError: If a chunk cannot be written.
    """
    threads = max(1, usable_cores() // workers)
    context = multiprocessing.get_context("spawn")  # an open LMDB must not cross a fork
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=start_worker, initargs=(job, threads))
    try:
        with child_environment(MALLOC):  # the processes start with the first task
            futures = [pool.submit(run_chunk, chunk) for chunk in chunks]
        for future in as_completed(futures):
            yield future.result()
        pool.shutdown()
    except BrokenProcessPool as error:
        raise GlyphSRError(
            f"{job.source}: a worker process died, as it does when memory runs out; try fewer --workers "
            "(a script needs `if __name__ == '__main__':`). Finished chunks stay, the same command goes on"
        ) from error
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for process in set(multiprocessing.active_children()) - others:  # interrupted: chunks under way are lost anyhow
            process.terminate()
