"""Reading pairs of an LMDB: our loader against decoding and resizing one by one, as ratios measured in one run.

    python benchmarks/data.py [LMDB] [--passes 8] [--workers 2]

Both sides give the published protocol's batches of 48 as float tensors in [0, 1], 16 x 64 and 32 x 128. The plain side
does for each pair what the published loaders do: PIL decodes, PIL resizes, a tensor is made, and 48 of them are
stacked. Later passes of ours can come from memory, which training over many epochs sees and one evaluation does not.
"""

import argparse
import io
import resource
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import lmdb
import numpy as np
import torch
from PIL import Image

from glyphsr.data.lmdb_pairs import PairedLmdb
from glyphsr.data.pair_loader import HR_SIZE, LR_SIZE, iterate_chunks, planes

BATCH = 48
CACHE_BYTES = 1 << 29
SIDES = (("lr", LR_SIZE), ("hr", HR_SIZE))


def plain_pair(env: lmdb.Environment, number: int) -> list[Image.Image]:
    with env.begin() as transaction:
        encoded = [transaction.get(f"image_{side}-{number:09d}".encode()) for side, _ in SIDES]
        transaction.get(f"label-{number:09d}".encode()).decode()
    return [
        Image.open(io.BytesIO(data)).convert("RGB").resize(size[::-1], Image.Resampling.BICUBIC)
        for data, (_, size) in zip(encoded, SIDES, strict=True)
    ]


def plain_batches(env: lmdb.Environment, count: int, passes: int) -> Iterator[object]:
    waiting: list[list[torch.Tensor]] = []
    for index in range(count * passes):
        pair = plain_pair(env, index % count + 1)
        waiting.append([torch.from_numpy(np.array(image)).permute(2, 0, 1).float() / 255.0 for image in pair])
        if len(waiting) == BATCH:
            yield [torch.stack(side) for side in zip(*waiting, strict=True)]
            waiting = []


def our_batches(path: Path, passes: int, workers: int, cache_bytes: int) -> Iterator[object]:
    pairs = PairedLmdb(path)
    for chunk in iterate_chunks(pairs, BATCH, squash=True, workers=workers, passes=passes, cache_bytes=cache_bytes):
        yield [planes(side) for side in (chunk.lr, chunk.hr) if isinstance(side, torch.Tensor)]


def behind_first_pass(batches: Callable[[], Iterator[object]], count: int) -> Iterator[object]:
    iterator = batches()
    for _ in range(count):
        next(iterator)
    yield None
    yield from iterator


def rate(pairs: int, batches: Callable[[], Iterator[object]]) -> float:
    """Pairs per second from the first batch on: starting worker processes is measured apart."""
    iterator = batches()
    first = time.perf_counter()
    next(iterator, None)
    start = time.perf_counter()
    for _ in iterator:
        pass
    seconds = time.perf_counter() - start
    print(f"    first batch after {start - first:.2f} s, {pairs / seconds:.0f} pairs/s")
    return pairs / seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = Path(__file__).parent.parent / "glyphsr" / "data" / "sample" / "train"
    parser.add_argument("lmdb", nargs="?", type=Path, default=default)
    parser.add_argument("--passes", type=int, default=8)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(1)  # idle threads of this process would spin on the workers' cores
    # LMDB is open once per process, so the plain side is measured first and closed.
    with lmdb.open(str(options.lmdb), readonly=True, lock=False) as env:
        with env.begin() as transaction:
            count = int(transaction.get(b"num-samples"))
        total = count * options.passes
        print(f"{options.lmdb}: {count} pairs, {options.passes} passes\none by one with PIL")
        plain = rate(total, partial(plain_batches, env, count, options.passes))
    for workers in (0, options.workers):
        print(f"ours, {workers} workers, decoded in every pass")
        print(f"    {rate(total, partial(our_batches, options.lmdb, options.passes, workers, 0)) / plain:.1f}x")
    print(f"ours, {options.workers} workers, all {options.passes} passes, kept in memory after the first")
    batches = partial(our_batches, options.lmdb, options.passes, options.workers, CACHE_BYTES)
    print(f"    {rate(total, batches) / plain:.1f}x")
    print("ours, from memory alone")
    batches = partial(our_batches, options.lmdb, options.passes, 0, CACHE_BYTES)
    print(f"    {rate(total - count, partial(behind_first_pass, batches, -(-count // BATCH))) / plain:.1f}x")
    print(f"peak memory of this process {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
