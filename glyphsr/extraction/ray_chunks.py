"""Chunks of an extraction done by the workers of a Ray cluster, which write them into the one folder of parts."""

from collections.abc import Iterator, Sequence
from functools import partial

from glyphsr.extraction.worker import ChunkResult, Worker, WorkerSpec
from glyphsr.system.ray_engine import Work, ray_map


def run_on_ray(spec: WorkerSpec, chunks: Sequence[int]) -> Iterator[ChunkResult]:
    """Chunks in the order in which they are finished; all machines must see source and result under the same names.

    Raises:
        ConfigError: If Ray is not installed, or there is no cluster at the address.
        GlyphSRError: If workers fail again and again.
    """
    use_gpu = spec.device != "cpu"
    return ray_map(partial(_start, spec), chunks, address=spec.config.address, use_gpu=use_gpu)


def _start(spec: WorkerSpec) -> Work[int, ChunkResult]:
    """In a worker: open its parts once."""
    worker = Worker(spec)
    return lambda chunks: [worker.run(chunk) for chunk in chunks]
