"""The whole module: words in, one mask per character out (paper, section on the GEM)."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from glyphsr.config.extraction import ExtractConfig
from glyphsr.glyphs.anchors import prompts_of
from glyphsr.glyphs.ink_segmenter import own_pieces, pixel_owners
from glyphsr.glyphs.protocols import Candidates, KeyPoints, Localizer, Prompts, Segmenter
from glyphsr.glyphs.refinement import LEAST_CONTRAST, intersect_ink
from glyphsr.glyphs.selection import Choice, is_plausible, select
from glyphsr.glyphs.word import Word, from_frame
from glyphsr.types import Extraction, GlyphRecord

DECIMALS = 3
"""Of the numbers in the records; also keeps them equal on machines that differ in the last bits."""


def rejected(size: tuple[int, int], reason: str, problem: str | None = None) -> Extraction:
    """What a word without glyphs leaves behind.

    Args:
        size: ``(height, width)`` of its picture.
        reason: Why.
        problem: What exactly, where the reason does not say all.
    """
    return Extraction("", np.zeros(size, bool), np.zeros((0, *size), bool), (), 0.0, reason, problem)


def extract_words(
    words: Sequence[Word], localizer: Localizer, segmenter: Segmenter, config: ExtractConfig
) -> list[Extraction]:
    """Glyphs of prepared words.

    Args:
        words: Of :func:`glyphsr.glyphs.word.prepare_word`.
        localizer: Finds the characters.
        segmenter: Answers prompts.
        config: Parameters of the paper and of what it leaves open.

    Returns:
        One result per word, masks at the size that its picture came with.
    """
    if not words:
        return []
    # Where each character is, its anchors as prompts, and the masks that a segmenter answers them with.
    found = localizer.locate(words)
    on_ink = config.anchor_order == "ink"
    prompts = [prompts_of(word, points, config.steps, on_ink=on_ink) for word, points in zip(words, found, strict=True)]
    candidates = segmenter.segment(words, found, prompts)
    # One of them is chosen for each character.
    return [_extract(*row, config) for row in zip(words, found, prompts, candidates, strict=True)]


def _extract(
    word: Word, points: KeyPoints, prompts: Prompts, candidates: Candidates, config: ExtractConfig
) -> Extraction:
    masks = np.zeros((len(word.text), *word.ink.mask.shape), bool)
    # Which character each candidate is for: (N,).
    owners = prompts.owners[candidates.prompts]
    records = []
    for i, char in enumerate(word.text):
        # The mask: the chosen candidate, else what the guard leaves, cut by the ink where that is asked for.
        offered = np.flatnonzero(owners == i)
        choice = _choose(word, points, candidates, offered, i, config)
        anchor, confidence = None, 0.0
        if choice.index is not None:
            chosen = int(offered[choice.index])
            masks[i] = candidates.masks[chosen]
            anchor = _in_picture(prompts.points[candidates.prompts[chosen]], word)
            confidence = float(candidates.confidence[chosen])
        elif choice.fallback == "guarded_out":
            masks[i] = _own_ink(word, points)[i]

        if config.refinement == "intersect":
            masks[i] = intersect_ink(masks[i], word.ink.mask, word.ink.contrast)

        # What the manifest says of this character.
        reasons = [reason for reason in (points.reasons[i], choice.fallback) if reason]
        records.append(
            GlyphRecord(
                char=char,
                points=tuple(_in_picture(point, word) for point in points.points[i]),
                source=points.sources[i],
                anchor=anchor,
                confidence=round(confidence, DECIMALS),
                iou=None if choice.iou is None else round(choice.iou, DECIMALS),
                fallback="+".join(reasons) or None,
            )
        )

    # Thin strokes may vanish at the size of the picture; the record says so.
    chars = from_frame(masks, word.size)
    records = [
        replace(record, fallback="+".join(filter(None, [record.fallback, "vanished"]))) if lost else record
        for record, lost in zip(records, _lost(masks, chars), strict=True)
    ]

    quality = round(_quality(word, chars, records), DECIMALS)
    return Extraction(word.text, np.asarray(chars.any(axis=0)), chars, tuple(records), quality)


def _lost(masks: NDArray[np.bool_], chars: NDArray[np.bool_]) -> list[bool]:
    """Whether nothing is left of each mask at the size of the picture."""
    return [bool(mask.any() and not char.any()) for mask, char in zip(masks, chars, strict=True)]


def _choose(
    word: Word,
    points: KeyPoints,
    candidates: Candidates,
    offered: NDArray[np.int64],
    character: int,
    config: ExtractConfig,
) -> Choice:
    """The choice among a character's candidates; its index counts within ``offered``."""
    masks, confidence = candidates.masks[offered], candidates.confidence[offered]
    allowed = np.ones(len(offered), bool)
    if config.selection_rule == "guarded" and len(offered):
        start, end = (int(x) for x in word.split.cells[character])
        allowed = is_plausible(masks, word.ink.mask, (start, end), points.points[:, 0, 0])
        if not allowed.any():
            return Choice(None, None, "guarded_out")

    # Of those that are left, the paper's rule chooses.
    fraction = config.line_fraction if len(word.text) > 1 else 1.0  # a single character may fill its picture
    choice = select(
        masks[allowed],
        confidence[allowed],
        points.attention[character],
        threshold=config.threshold,
        max_area=fraction * word.ink.mask.size,
        when_none_passes=config.when_none_passes,
    )
    if choice.index is None:
        return choice

    # From the index among those allowed to that among all offered.
    return Choice(int(np.flatnonzero(allowed)[choice.index]), choice.iou, choice.fallback)


def _own_ink(word: Word, points: KeyPoints) -> NDArray[np.bool_]:
    return own_pieces(word.ink.mask, pixel_owners(word, points.points[:, 0]), len(word.text))


def _in_picture(point: NDArray[np.float64], word: Word) -> tuple[float, float]:
    """A place of the frame in pixels of the picture."""
    scale_x, scale_y = word.scale
    x, y = (point + 0.5) * (scale_x, scale_y) - 0.5
    return round(float(x), DECIMALS), round(float(y), DECIMALS)


def _quality(word: Word, masks: NDArray[np.bool_], records: Sequence[GlyphRecord]) -> float:
    """Product of what speaks for the masks: an easy split, contrast, few fallbacks, no overlap, no empty mask."""
    count = len(records)
    total = masks.sum()
    # Pixels that several characters claim.
    overlap = 1.0 - masks.any(axis=0).sum() / total if total else 1.0
    fallbacks = sum(record.fallback is not None for record in records) / count
    filled = masks.any(axis=(1, 2)).mean()
    contrast = min(1.0, word.ink.contrast / LEAST_CONTRAST)
    return float(np.exp(-word.split.cost) * contrast * (1 - fallbacks / 2) * (1 - overlap) * filled)


def fallback_counts(extractions: Sequence[Extraction]) -> Counter[str]:
    """How many characters have each reason; ``cuts`` is none of them where cuts were asked for."""
    reasons: Counter[str] = Counter()
    for extraction in extractions:
        for record in extraction.glyphs:
            reasons.update(record.fallback.split("+") if record.fallback else ())
    return reasons
