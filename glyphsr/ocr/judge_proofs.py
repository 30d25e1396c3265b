"""Whether a judge's weights are proved to be the published ones: by their hash, or by what they read on TextZoom."""

import json
from collections.abc import Mapping
from typing import Any

from glyphsr.errors import DataError
from glyphsr.safe_reading.text_files import read_json
from glyphsr.system.atomic_files import write_bytes
from glyphsr.system.cache import cache_folder
from glyphsr.weights.registry import entries

PROOFS = "judges.json"
"""File of the cache with the judges that were calibrated, by SHA-256."""

Triple = tuple[float, float, float]

CALIBRATION: dict[str, dict[str, Triple]] = {
    "crnn": {"lr": (37.49, 21.40, 21.07), "hr": (76.41, 75.05, 64.56)},
    "moran": {"lr": (56.2, 35.9, 28.2), "hr": (91.2, 85.3, 74.2)},
    "aster": {"lr": (62.4, 41.3, 31.6), "hr": (94.2, 87.7, 76.2)},
}
"""Percent of TextZoom's words (easy, medium, hard) that each published judge reads in untouched pictures.

Source: logs and README of ``wenyu1009/RTSRN`` and of its siblings.
"""

TOLERANCE = 0.5
"""Percentage points by which a calibrated judge may be off in each of them."""


def _calibrated() -> Mapping[str, Any]:
    try:
        found = read_json(cache_folder() / PROOFS)
    except DataError:
        return {}
    return found if isinstance(found, dict) else {}


def proof_of(kind: str, sha256: str) -> str | None:
    """How weights are known to be a published judge's: ``sha256``, ``calibrated``, or ``None`` if they are not."""
    known = {row.sha256 for row in entries().values() if row.network == kind and row.source != "bundled"}
    if any(full is not None and len(full) == len(sha256) and full == sha256 for full in known):
        return "sha256"
    record = _calibrated().get(sha256)
    return "calibrated" if isinstance(record, dict) and record.get("judge") == kind else None


def remember_calibration(kind: str, sha256: str, figures: Mapping[str, Triple]) -> None:
    """Keep that weights read as the published judge does."""
    records = dict(_calibrated()) | {sha256: {"judge": kind, "figures": {k: list(v) for k, v in figures.items()}}}
    write_bytes(cache_folder() / PROOFS, json.dumps(records, indent=2).encode())


def deviations(kind: str, figures: Mapping[str, Triple]) -> dict[str, float]:
    """Greatest distance from the published figures, in points, of each kind of picture.

    Example:
        >>> deviations("moran", {"hr": (91.0, 85.3, 73.2)})
        {'hr': 1.0}
    """
    published = CALIBRATION[kind]
    return {
        side: round(max(abs(a - b) for a, b in zip(values, published[side], strict=True)), 4)
        for side, values in figures.items()
    }
