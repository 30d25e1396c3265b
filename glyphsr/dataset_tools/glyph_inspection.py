"""What is in a glyph LMDB."""

from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from glyphsr.data.glyph_lmdb import GlyphLmdb
from glyphsr.data.pair_loader import BadSample
from glyphsr.dataset_tools.inspection import Spread
from glyphsr.errors import DataError
from glyphsr.types import ProgressCallback


@dataclass(frozen=True)
class GlyphInspection:
    """What is in one glyph LMDB."""

    path: str
    words: int
    rejected: int
    """Words without masks."""
    characters: int
    """Masks."""
    fallbacks: int
    """Masks that the paper's rule did not choose."""
    quality: Spread | None
    """Of the words with masks."""
    source: str
    """The set that they were made from."""
    segmenter: str
    localizer: str
    reasons: dict[str, int] = field(default_factory=dict)
    """Why words were rejected."""
    bad: tuple[BadSample, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The JSON document."""
        return {"schema_version": 1, "command": "data inspect", **asdict(self)}


def inspect_glyphs(path: Path, *, progress: ProgressCallback | None = None) -> GlyphInspection:
    """Count what is in a glyph LMDB, without its pictures.

    Args:
        path: Its folder.
        progress: Called with the items done and their total.

    Raises:
        DataError: If it cannot be opened.
    """
    glyphs = GlyphLmdb(path)
    manifest = glyphs.manifest()

    reasons: Counter[str] = Counter()

    qualities: list[float] = []
    characters = fallbacks = 0
    bad: list[BadSample] = []
    for index in range(len(glyphs)):
        try:
            word = glyphs[index]
        except DataError as error:
            bad.append(BadSample(f"{path.name}/{index + 1:06d}", str(error)))
            continue

        if word.rejected is not None:
            reasons[word.rejected] += 1
        else:
            qualities.append(word.quality)

        characters += len(word.chars)
        fallbacks += sum(record.fallback is not None for record in word.glyphs)
        if progress:
            progress(index + 1, len(glyphs))

    source = manifest.get("source", {})
    return GlyphInspection(
        str(path),
        len(glyphs),
        reasons.total(),
        characters,
        fallbacks,
        Spread.of(qualities),
        f"{source.get('samples')} words of {source.get('name')}",
        str(manifest.get("segmenter", {}).get("name")),
        str(manifest.get("localizer", {}).get("name")),
        dict(reasons.most_common()),
        tuple(bad),
    )
