"""What an extraction did: counts over all words of a set."""

from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from glyphsr.data.glyph_lmdb import META, GlyphLmdb, read_meta
from glyphsr.extraction.chunk_store import ChunkStore, DamagedChunkError

UNREADABLE, OUT_OF_MEMORY = "unreadable", "out_of_memory"
"""Rejections of words that were not looked at; the others are findings."""

MAX_PROBLEMS = 10_000
QUALITY_STEPS = 1000


@dataclass(eq=False)
class ExtractionCounts:
    """Sums over the metas of words; its size does not grow with their number."""

    words: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    """Words without glyphs, by reason."""
    characters: int = 0
    empty: int = 0
    """Characters with an empty mask."""
    fallbacks: Counter[str] = field(default_factory=Counter)
    """Characters by each reason for which the paper's rule did not decide."""
    affected: int = 0
    """Characters with any such reason."""
    coverage: float = 0.0
    """Sum over words of the fraction of the picture that the line mask covers."""
    qualities: Counter[int] = field(default_factory=Counter)
    """Words by quality in thousandths."""
    problems: list[str] = field(default_factory=list)
    """What could not be read, the first ten thousand."""

    def add(self, meta: Mapping[str, Any]) -> None:
        """Count one word."""
        self.words += 1
        self.qualities[round(meta["quality"] * QUALITY_STEPS)] += 1

        if meta["rejected"] is not None:
            self.rejected[meta["rejected"]] += 1
            if meta["problem"] is not None and len(self.problems) < MAX_PROBLEMS:
                self.problems.append(meta["problem"])
            return

        self.characters += len(meta["text"])
        self.empty += meta["empty"]
        self.coverage += meta["coverage"]

        # A character may have several reasons, joined by "+".
        for record in meta["glyphs"]:
            if record["fallback"]:
                self.affected += 1
                self.fallbacks.update(record["fallback"].split("+"))

    @property
    def failed(self) -> int:
        """Words that were not looked at."""
        return self.rejected[UNREADABLE] + self.rejected[OUT_OF_MEMORY]

    def quality(self, fraction: float) -> float:
        """The quality that a fraction of the words does not reach or just reaches."""
        if not self.words:
            return 0.0
        # A percentile from counts: qualities are kept in thousandths.
        values = sorted(self.qualities)
        reached = np.cumsum([self.qualities[value] for value in values])
        return float(values[int(np.searchsorted(reached, fraction * self.words))]) / QUALITY_STEPS


@dataclass(frozen=True)
class ExtractionReport:
    """What became of one set."""

    source: str
    out: str
    complete: bool
    """Whether the glyph LMDB is there; else chunks of other shards are missing."""
    words: int
    """Words counted below: of the set, or of the chunks that are there so far."""
    extracted: int
    """Words that this run worked on."""
    rejected: dict[str, int]
    failed: int
    """Those among them that could not be looked at."""
    characters: int
    empty: int
    affected: int
    fallbacks: dict[str, int]
    mean_coverage: float
    quality: dict[str, float]
    """Percentiles 10, 50 and 90."""
    segmenter: dict[str, Any]
    localizer: dict[str, Any]
    seconds: float
    images_per_s: float
    missing_chunks: int = 0
    notices: tuple[str, ...] = ()
    preview: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """The JSON document's part for this set."""
        return asdict(self)


def counts_of_result(path: Path) -> ExtractionCounts:
    """Counts of a glyph LMDB."""
    glyphs, counts = GlyphLmdb(path), ExtractionCounts()
    for index in range(len(glyphs)):
        counts.add(glyphs.meta(index))
    return counts


def counts_of_chunks(parts: ChunkStore) -> ExtractionCounts:
    """Counts of the chunks that are there; other shards may be at work on them, so what goes is left out."""
    counts = ExtractionCounts()
    for chunk in range(parts.count):
        with suppress(FileNotFoundError, DamagedChunkError):
            metas = [read_meta(values[META], str(parts.chunk_file(chunk))) for values in parts.read(chunk)]
            for meta in metas:
                counts.add(meta)
    return counts


def report_of(
    counts: ExtractionCounts,
    *,
    source: Path,
    out: Path,
    manifest: dict[str, Any],
    extracted: int,
    seconds: float,
    missing_chunks: int,
    notices: tuple[str, ...],
    preview: Path | None,
) -> ExtractionReport:
    """The report of what was counted."""
    # Rejected words have no line mask, so that they have no part in the mean.
    good = counts.words - counts.rejected.total()

    return ExtractionReport(
        source=str(source),
        out=str(out),
        complete=missing_chunks == 0,
        words=counts.words,
        extracted=extracted,
        rejected=dict(counts.rejected.most_common()),
        failed=counts.failed,
        characters=counts.characters,
        empty=counts.empty,
        affected=counts.affected,
        fallbacks=dict(counts.fallbacks.most_common()),
        mean_coverage=round(counts.coverage / good, 4) if good else 0.0,
        quality={f"p{percent}": counts.quality(percent / 100) for percent in (10, 50, 90)},
        segmenter=manifest["segmenter"],
        localizer=manifest["localizer"],
        seconds=round(seconds, 3),
        images_per_s=round(extracted / seconds, 2) if seconds else 0.0,
        missing_chunks=missing_chunks,
        notices=notices,
        preview=str(preview) if preview else None,
    )
