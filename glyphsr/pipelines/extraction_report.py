"""What an extraction did: counts over all words of a set."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from glyphsr.types import Extraction


@dataclass(eq=False)
class Tally:
    """Sums over words; tallies of parts add up to that of the whole."""

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
    """Sum over words of the share of the picture that the line mask covers."""
    qualities: list[float] = field(default_factory=list)

    def add(self, extraction: Extraction) -> None:
        """Count one word."""
        self.words += 1
        self.qualities.append(extraction.quality)
        if extraction.rejected is not None:
            self.rejected[extraction.rejected] += 1
            return
        self.characters += len(extraction.text)
        self.empty += int((~extraction.chars.any(axis=(1, 2))).sum())
        self.coverage += float(extraction.line.mean())
        for record in extraction.glyphs:
            if record.fallback:
                self.affected += 1
                self.fallbacks.update(record.fallback.split("+"))

    def update(self, others: Iterable["Tally"]) -> "Tally":
        """Add other tallies to this one."""
        for other in others:
            self.words += other.words
            self.rejected += other.rejected
            self.characters += other.characters
            self.empty += other.empty
            self.fallbacks += other.fallbacks
            self.affected += other.affected
            self.coverage += other.coverage
            self.qualities += other.qualities
        return self


@dataclass(frozen=True)
class ExtractionReport:
    """What became of one set."""

    source: str
    out: str
    complete: bool
    """Whether the glyph LMDB is there; else chunks of other shards are missing."""
    words: int
    """Words of the set, or of this shard's share while it is incomplete."""
    extracted: int
    """Words that this run worked on."""
    rejected: dict[str, int]
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


def report_of(
    tally: Tally,
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
    good = tally.words - tally.rejected.total()
    percentiles = np.percentile(tally.qualities, [10, 50, 90]) if tally.qualities else np.zeros(3)
    return ExtractionReport(
        source=str(source),
        out=str(out),
        complete=missing_chunks == 0,
        words=tally.words,
        extracted=extracted,
        rejected=dict(tally.rejected.most_common()),
        characters=tally.characters,
        empty=tally.empty,
        affected=tally.affected,
        fallbacks=dict(tally.fallbacks.most_common()),
        mean_coverage=round(tally.coverage / good, 4) if good else 0.0,
        quality={name: round(float(x), 3) for name, x in zip(("p10", "p50", "p90"), percentiles, strict=True)},
        segmenter=manifest["segmenter"],
        localizer=manifest["localizer"],
        seconds=round(seconds, 3),
        images_per_s=round(extracted / seconds, 2) if seconds else 0.0,
        missing_chunks=missing_chunks,
        notices=notices,
        preview=str(preview) if preview else None,
    )
