"""Masks that are known, in the form of extracted ones."""

import numpy as np
from numpy.typing import NDArray

from glyphsr.types import Extraction, GlyphRecord

SOURCE = "rendered"


def exact_extraction(text: str, chars: NDArray[np.bool_]) -> Extraction:
    """What an extraction that makes no mistake would give.

    Args:
        text: With or without spaces.
        chars: ``(L, H, W)``: one mask per character that is no space.

    Raises:
        ValueError: If there are not as many masks as characters.
    """
    shown = "".join(text.split())
    if len(shown) != len(chars):
        raise ValueError(f"expected {len(shown)} masks, got {len(chars)}")
    records = tuple(_record(char, mask) for char, mask in zip(shown, chars, strict=True))
    return Extraction(shown, np.asarray(chars.any(axis=0)), chars, records, quality=1.0)


def _record(char: str, mask: NDArray[np.bool_]) -> GlyphRecord:
    """Key points as the attention would give them: centre of mass, and of the box around the mask."""
    columns, rows = mask.sum(axis=0), mask.sum(axis=1)
    total = max(1, int(rows.sum()))

    inked_columns, inked_rows = np.flatnonzero(columns), np.flatnonzero(rows)
    if not len(inked_rows):
        return GlyphRecord(char, ((0.0, 0.0), (0.0, 0.0)), SOURCE, None, 0.0, None, "empty mask")
    mass = (
        round(float(columns @ np.arange(len(columns))) / total, 2),
        round(float(rows @ np.arange(len(rows))) / total, 2),
    )
    middle = (float(inked_columns[0] + inked_columns[-1]) / 2, float(inked_rows[0] + inked_rows[-1]) / 2)
    return GlyphRecord(char, (mass, middle), SOURCE, None, 1.0, None, None)
