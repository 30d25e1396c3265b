"""Processes that work for one command: they end with it, and never outlive an interruption."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import wait
from typing import Any

WORKER_DIED = (
    "a worker process died, as it does when memory runs out; try fewer --workers "
    "(a script needs `if __name__ == '__main__':`)"
)
"""What to say of a broken pool."""


def usable_cores() -> int:
    """Cores that this process may use; on a machine with several ranks, an equal part of its cores."""
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    ranks = os.environ.get("LOCAL_WORLD_SIZE", "")
    return max(1, cores // (int(ranks) if ranks.isdecimal() and len(ranks) < 10 and int(ranks) else 1))


def end_with_parent() -> None:
    """To be called in a worker: a killed parent cannot tell its children, which would wait for work for ever."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal reaches them too; the parent ends them
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)


@contextmanager
def process_pool(
    workers: int, initializer: Callable[..., object], initargs: tuple[Any, ...]
) -> Iterator[ProcessPoolExecutor]:
    """A pool of fresh processes; at the end of the block none is left, whatever ended it.

    Args:
        workers: How many.
        initializer: Called in each first; should call :func:`end_with_parent`.
        initargs: For it.
    """
    context = multiprocessing.get_context("spawn")  # an open LMDB must not cross a fork

    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=initializer, initargs=initargs)
    try:
        yield pool
        pool.shutdown()
    finally:
        for process in set(multiprocessing.active_children()) - others:  # interrupted: work under way is lost anyhow
            process.terminate()
        # The pool's own thread reads results; one that its worker could not send to the end would never come. It ends
        # with the pipe, of which this process holds the last writing end.
        writer = getattr(getattr(pool, "_result_queue", None), "_writer", None)
        if writer is not None:
            writer.close()
        pool.shutdown(cancel_futures=True)  # else that thread would be interrupted at exit, with a traceback
