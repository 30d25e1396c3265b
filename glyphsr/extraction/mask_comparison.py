"""How good are masks of different sources, where exact ones are known (the paper's Appendix A)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glyphsr.config.extraction import ExtractConfig
from glyphsr.data.glyph_lmdb import GlyphLmdb, check_belongs, find_glyphs
from glyphsr.data.hr_images import open_hr_words
from glyphsr.data.sources import find_lmdb
from glyphsr.errors import DataError
from glyphsr.extraction.localizers import describe_localizer, open_localizer
from glyphsr.extraction.segmenters import describe_segmenter, open_segmenter
from glyphsr.glyphs.extraction import extract_words
from glyphsr.glyphs.kmeans import kmeans_line
from glyphsr.glyphs.word import Rejection, Word, from_frame, prepare_word
from glyphsr.types import Extraction
from glyphsr.weights.registry import local_weights

KMEANS, INK, SAM = "kmeans", "ink", "sam"
WORDS_AT_ONCE = 16
HALF = 0.5

Masks = tuple[NDArray[np.bool_], NDArray[np.bool_]]
"""Of a line ``(H, W)`` and of its characters ``(L, H, W)``."""


@dataclass
class MaskScore:
    """One source of masks against the exact ones."""

    source: str
    words: int = 0
    line_ious: list[float] = field(default_factory=list)
    char_ious: list[float] = field(default_factory=list)

    def add(self, masks: Masks, exact: Masks) -> None:
        """Count a word."""
        self.words += 1
        self.line_ious.append(_iou(masks[0], exact[0]))
        self.char_ious += [_iou(a, b) for a, b in zip(masks[1], exact[1], strict=True) if b.any()]

    def figures(self) -> dict[str, float | int | str | None]:
        """Means, median, and fractions of characters; null without words."""
        chars = np.array(self.char_ious)

        known = bool(len(chars))
        return {
            "source": self.source,
            "words": self.words,
            "characters": len(chars),
            "line_iou": float(np.mean(self.line_ious)) if self.line_ious else None,
            "char_iou": float(chars.mean()) if known else None,
            "char_iou_median": float(np.median(chars)) if known else None,
            "char_iou_above_half": float((chars > HALF).mean()) if known else None,
            "empty": float((chars == 0).mean()) if known else None,
        }


@dataclass(frozen=True)
class MaskComparison:
    """All sources."""

    data: str
    scores: tuple[MaskScore, ...]
    left_out: int
    """Words without exact masks, or that no source could look at."""
    notices: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The JSON document."""
        head = {"schema_version": 1, "command": "reproduce", "table": "appendix-a", "data": self.data}
        rows = [score.figures() for score in self.scores]
        return head | {"rows": rows, "left_out": self.left_out, "notices": list(self.notices)}


def compare_masks(
    lmdb: str,
    *,
    glyphs: str | None = None,
    limit: int | None = None,
    notify: Callable[[str], None] | None = None,
    **settings: Any,
) -> MaskComparison:
    """K-means, ink and SAM masks of words whose exact masks are known.

    K-means has no characters of its own: its mask is cut where the ink is. SAM is left out, and said so, where there is
    no checkpoint.

    Args:
        lmdb: Name under the data root or folder.
        glyphs: Its exact masks; default is ``<name>-glyphs`` beside it.
        limit: Only the first so many words.
        notify: Called with messages for the user.
        settings: Fields of :class:`glyphsr.config.extraction.ExtractConfig`, such as ``sam_checkpoint``.

    Raises:
        DataError: If words or exact masks are missing.
        WeightsError: If a checkpoint that is named is not available.
    """
    config = ExtractConfig.model_validate(settings)
    say = notify or (lambda _: None)
    named = config.sam_checkpoint
    has_sam = named is not None or any(local_weights(f"sam-vit-{size}") for size in "hlb")
    # Ink always takes part; SAM where a checkpoint is here.
    ink = ExtractConfig(segmenter="ink", localizer="cuts")

    sources: dict[str, ExtractConfig] = {INK: ink}
    notices = []
    if has_sam:
        sources[SAM] = config.model_copy(update={"segmenter": "sam"})
    else:
        notices.append("no SAM checkpoint is here, so SAM's masks are left out; --sam-checkpoint names one")

    extractors = {name: _extractor(own, notices) for name, own in sources.items()}
    scores = {name: MaskScore(name) for name in (KMEANS, *sources)}
    left_out = 0
    for path in find_lmdb(lmdb, config.data_root):
        known = GlyphLmdb(find_glyphs(path, glyphs))
        check_belongs(known, path)
        left_out += _compare_set(path, known, extractors, scores, limit)

    for notice in notices:
        say(notice)

    if not scores[KMEANS].words:
        raise DataError(f"{lmdb}: no word with exact masks")

    return MaskComparison(lmdb, tuple(scores.values()), left_out, tuple(notices))


Extractor = Callable[[Sequence[Word]], list[Extraction]]


def _extractor(config: ExtractConfig, notices: list[str]) -> Extractor:
    located, segmented = describe_localizer(config), describe_segmenter(config)
    notices += [*located.notices, *segmented.notices]
    localizer, segmenter = open_localizer(located, config), open_segmenter(segmented, config)
    return lambda words: extract_words(words, localizer, segmenter, config)


def _compare_set(
    path: Path,
    known: GlyphLmdb,
    extractors: dict[str, Extractor],
    scores: dict[str, MaskScore],
    limit: int | None,
) -> int:
    """Score the words of one set; gives how many were left out."""
    source = open_hr_words(path)
    left_out = 0
    waiting: list[tuple[Word, Masks]] = []

    def work() -> None:
        words = [word for word, _ in waiting]
        found = {name: [(own.line, own.chars) for own in extract(words)] for name, extract in extractors.items()}
        found[KMEANS] = [_kmeans(word) for word in words]
        for name, all_masks in found.items():
            for masks, (_, exact) in zip(all_masks, waiting, strict=True):
                scores[name].add(masks, exact)
        waiting.clear()

    for index in range(min(len(source), len(known), limit or len(source))):
        # Only words that both sides know, with the same characters.
        exact = known[index]
        sample = source.read(index)
        try:
            word = prepare_word(sample.hr, sample.label)
        except Rejection:
            left_out += 1
            continue
        if exact.rejected or word.text != exact.text:
            left_out += 1
            continue
        waiting.append((word, (exact.line, exact.chars)))
        if len(waiting) == WORDS_AT_ONCE:
            work()
    if waiting:
        work()
    return left_out


def _kmeans(word: Word) -> Masks:
    """The k-means mask at the picture's size, whole and cut into the characters' stretches."""
    line = kmeans_line(word.image)
    chars = np.zeros((len(word.text), *line.shape), bool)
    for mask, (start, end) in zip(chars, word.split.cells, strict=True):
        mask[:, int(start) : int(end)] = line[:, int(start) : int(end)]
    # All at once, so that no pixel goes to two characters.
    whole = from_frame(np.concatenate([line[None], chars]), word.size)
    return whole[0], whole[1:]


def _iou(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    union = np.count_nonzero(a | b)
    return np.count_nonzero(a & b) / union if union else 1.0
