"""Whether a faster layout of SAM's canvas gives the exact one's masks, on the user's own checkpoint and pictures."""

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from glyphsr.config.extraction import ExtractConfig
from glyphsr.errors import DataError
from glyphsr.extraction.localizers import ComponentInfo
from glyphsr.extraction.segmenters import SamSegmenter, open_sam
from glyphsr.glyphs.extraction import extract_words
from glyphsr.glyphs.protocols import Localizer
from glyphsr.glyphs.selection import iou_with
from glyphsr.glyphs.word import Word
from glyphsr.safe_reading.text_files import read_json
from glyphsr.system.atomic_files import write_bytes
from glyphsr.system.cache import cache_folder, make_private
from glyphsr.types import Extraction

WORDS = 32
MIN_MEDIAN_IOU, MIN_P10_IOU = 0.95, 0.85
"""Least IoU with the padded layout's masks: of the median, and of the tenth percentile of characters."""

DECIDING = {"multimask", "steps", "threshold", "max_line_fraction", "when_none_passes", "frame", "key_points"}
"""Settings that decide which mask is chosen, beyond those of the profile."""

VERDICTS = "sam-layouts.json"
"""File of the cache that keeps verdicts."""


@dataclass(frozen=True)
class LayoutComparison:
    """How a layout's masks compare with the exact ones."""

    layout: str
    median: float
    tenth: float
    characters: int

    @property
    def passed(self) -> bool:
        """Whether the layout may be used."""
        return self.characters > 0 and self.median >= MIN_MEDIAN_IOU and self.tenth >= MIN_P10_IOU


def _stored() -> dict[str, dict[str, float]]:
    """The verdicts in the cache; none where it is missing or damaged."""
    try:
        return dict(read_json(cache_folder() / VERDICTS))
    except (DataError, ValueError, TypeError):
        return {}


def compare_layouts(
    words: Sequence[Word],
    localizer: Localizer,
    info: ComponentInfo,
    config: ExtractConfig,
    *,
    located_by: ComponentInfo,
    device: str | None = None,
) -> LayoutComparison:
    """Compare the chosen masks of a layout with those of ``padded``, or recall how it went before.

    A verdict holds for a checkpoint, a layout, a precision and everything else that decides which masks are chosen. One
    from fewer than 32 words is not kept.

    Args:
        words: The pictures to compare on.
        localizer: Finds their characters.
        info: The checkpoint, its layout and precision.
        config: Everything else.
        located_by: What the localizer is; a recognizer's hash is part of what a verdict holds for.
        device: Instead of the configured one.
    """
    # The verdict's key holds all that could change a mask.
    layout = info.facts["layout"]
    settings = config.model_dump(mode="json", include=DECIDING) | {
        "localizer": {k: v for k, v in located_by.facts.items() if not k.endswith("path")}
    }

    settings |= config.resolved
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]
    key = f"{info.facts['sha256']} {layout} {info.facts['precision']} {digest}"
    known = _recalled(key, layout)
    if known is not None:
        return known

    # Both layouts segment the same words from the same key points.
    chosen = list(words[:WORDS])
    exact, fast = (
        extract_words(chosen, localizer, SamSegmenter(open_sam(info, config, layout=name, device=device)), config)
        for name in ("padded", layout)
    )

    overlaps = [overlap for pair in zip(fast, exact, strict=True) for overlap in _overlaps(*pair)]
    median, tenth = (float(x) for x in np.percentile(overlaps, [50, 10])) if overlaps else (0.0, 0.0)
    verdict = LayoutComparison(layout, round(median, 4), round(tenth, 4), len(overlaps))
    # A verdict over few words is not kept: the next set may have enough.
    if len(chosen) == WORDS and overlaps:
        _store(key, verdict)

    return verdict


def _overlaps(fast: Extraction, exact: Extraction) -> list[float]:
    """IoU of the characters for which SAM's mask was chosen; 0 where only one layout had one to choose."""
    overlaps = []
    for i, (own, true) in enumerate(zip(fast.glyphs, exact.glyphs, strict=True)):
        if own.anchor is None and true.anchor is None:
            continue  # nothing of SAM's in either
        both = own.anchor is not None and true.anchor is not None
        overlaps.append(float(iou_with(fast.chars[i][None], exact.chars[i])[0]) if both else 0.0)
    return overlaps


def _recalled(key: str, layout: str) -> LayoutComparison | None:
    """The verdict that is kept under a key, if there is one."""
    known = _stored().get(key)
    if known is None:
        return None
    try:
        return LayoutComparison(layout, float(known["median"]), float(known["tenth"]), int(known["characters"]))
    except (KeyError, TypeError, ValueError, OverflowError):
        return None  # damaged; measured again


def _store(key: str, verdict: LayoutComparison) -> None:
    """Keep a verdict in the cache, beside those that are there."""
    own = {"median": verdict.median, "tenth": verdict.tenth, "characters": verdict.characters}
    with suppress(OSError):  # without a cache it is measured again next time
        make_private(cache_folder())
        write_bytes(cache_folder() / VERDICTS, json.dumps(_stored() | {key: own}, indent=2).encode())
