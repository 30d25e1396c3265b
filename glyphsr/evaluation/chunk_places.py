"""Which samples an evaluation scores: chunks of each environment in the order of the report."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from glyphsr.data.pair_loader import PairChunk, PairChunks, iterate_chunks
from glyphsr.evaluation.subsets import Subset

CHUNK = 48
"""Samples that are read, scored and pooled together: the published batch size."""


@dataclass(frozen=True)
class SourceSpan:
    """The first samples of one environment, as many as are wanted of it."""

    subset: int
    """Number of the subset that it is a part of."""
    source: int
    """Number of the environment in that."""
    end: int
    """Samples, usable or not."""


@dataclass(frozen=True)
class ChunkPlace:
    """One chunk of a span."""

    span: SourceSpan
    chunk: int


def wanted_spans(subsets: Sequence[Subset], limit: int | None) -> list[SourceSpan]:
    """What of each environment is scored.

    Args:
        subsets: All of them.
        limit: Samples of each subset, over its environments in turn; ``None`` for all.
    """
    spans = []
    for number, subset in enumerate(subsets):
        left = subset.size if limit is None else min(subset.size, limit)
        for place, source in enumerate(subset.sources):
            end = min(left, len(source))
            if end:
                spans.append(SourceSpan(number, place, end))
            left -= end
    return spans


def places_of(spans: Sequence[SourceSpan]) -> list[ChunkPlace]:
    """Chunks of all spans in order."""
    return [ChunkPlace(span, chunk) for span in spans for chunk in range(-(-span.end // CHUNK))]


def read_span(subsets: Sequence[Subset], span: SourceSpan, *, squash: bool, workers: int) -> Iterator[PairChunk]:
    """Chunks of a span in order, read ahead by ``workers`` processes."""
    source = subsets[span.subset].sources[span.source]
    chunks = iterate_chunks(source, CHUNK, squash=squash, workers=workers)
    # Whole chunks are read, though `--limit` may end within one.
    for chunk in islice(chunks, -(-span.end // CHUNK)):
        yield chunk.until(span.end)


def read_place(subsets: Sequence[Subset], place: ChunkPlace, *, squash: bool) -> PairChunk:
    """One chunk by itself."""
    source = subsets[place.span.subset].sources[place.span.source]
    return PairChunks(source, CHUNK, squash=squash)[place.chunk].until(place.span.end)
