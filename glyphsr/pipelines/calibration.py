"""Whether a faster layout of SAM's canvas gives the exact one's masks, on the user's own checkpoint and pictures."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from glyphsr.config.extraction import ExtractConfig
from glyphsr.files import write_bytes
from glyphsr.glyphs.extraction import extract_words
from glyphsr.glyphs.interface import Localizer
from glyphsr.glyphs.selection import iou_with
from glyphsr.glyphs.word import Word
from glyphsr.pipelines.localizers import PartInfo
from glyphsr.pipelines.segmenters import SamSegmenter, open_sam
from glyphsr.weights.registry import cache_folder

WORDS = 32
MEDIAN, TENTH = 0.95, 0.85
"""Least IoU with the padded layout's masks: of the median, and of the tenth percentile of characters."""

VERDICTS = "sam-layouts.json"
"""File of the cache that keeps verdicts."""


@dataclass(frozen=True)
class Verdict:
    """How a layout's masks compare with the exact ones."""

    layout: str
    median: float
    tenth: float
    characters: int

    @property
    def passed(self) -> bool:
        """Whether the layout may be used."""
        return self.characters > 0 and self.median >= MEDIAN and self.tenth >= TENTH


def _stored() -> dict[str, dict[str, float]]:
    try:
        return dict(json.loads((cache_folder() / VERDICTS).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return {}


def judge_layout(words: Sequence[Word], localizer: Localizer, info: PartInfo, config: ExtractConfig) -> Verdict:
    """Compare the chosen masks of a layout with those of ``padded``, or recall how it went before.

    Args:
        words: The pictures to compare on.
        localizer: Finds their characters.
        info: The checkpoint, its layout and precision.
        config: Everything else.
    """
    layout, precision = info.facts["layout"], info.facts["precision"]
    key = f"{info.facts['sha256']} {layout} {precision} {config.frame}"
    known = _stored().get(key)
    if known is not None:
        try:
            return Verdict(layout, float(known["median"]), float(known["tenth"]), int(known["characters"]))
        except (KeyError, TypeError, ValueError):
            pass  # damaged; measured again
    chosen = list(words[:WORDS])
    exact, fast = (
        extract_words(chosen, localizer, SamSegmenter(open_sam(info, config, layout=name)), config)
        for name in ("padded", layout)
    )
    pairs = [pair for a, b in zip(fast, exact, strict=True) for pair in zip(a.chars, b.chars, strict=True)]
    overlaps = [float(iou_with(own[None], true)[0]) for own, true in pairs if true.any()]
    median, tenth = (float(x) for x in np.percentile(overlaps, [50, 10])) if overlaps else (0.0, 0.0)
    verdict = Verdict(layout, round(median, 4), round(tenth, 4), len(overlaps))
    document = _stored() | {key: {"median": verdict.median, "tenth": verdict.tenth, "characters": len(overlaps)}}
    cache_folder().mkdir(parents=True, exist_ok=True)
    write_bytes(cache_folder() / VERDICTS, json.dumps(document, indent=2).encode())
    return verdict
