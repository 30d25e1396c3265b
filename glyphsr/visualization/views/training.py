"""A training run: its curves and the panels of its last validations."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from glyphsr.errors import ConfigError, DataError
from glyphsr.training.run_folder import RunFolder
from glyphsr.viz.curves_chart import curve_chart
from glyphsr.viz.panels import Panel, Row

SHOWN_SHEETS = 3
HIDDEN = {"step", "skipped", "words"}


def training_rows(run: Path) -> list[Row]:
    """Curves of every figure that was logged, of every score, and the last sheets of samples.

    Raises:
        ConfigError: If the folder holds no run.
        DataError: If its log cannot be read.
    """
    folder = RunFolder(run)
    if not folder.metrics.is_file():
        raise ConfigError(f"--run {run}: no run folder (no {folder.metrics.name} in it)")
    lines = folder.metrics.read_text(encoding="utf-8").splitlines()
    rows = [_read(line, folder.metrics, number) for number, line in enumerate(lines, 1)]
    if not rows:
        raise DataError(f"{folder.metrics}: nothing was logged yet")
    shown = [Row(f"{run.name}: {len(rows)} rows to step {rows[-1]['step']}", _charts(rows))]
    scores = [{"step": row["step"], **row["score"]} for row in rows if isinstance(row.get("score"), dict)]
    if scores:
        shown.append(Row("validation", _charts(scores)))
    for sheet in sorted(folder.samples.glob("step-*.png"))[-SHOWN_SHEETS:]:
        try:
            image = np.asarray(Image.open(sheet).convert("RGB"))
        except (OSError, UnidentifiedImageError) as error:
            raise DataError(f"{sheet}: not a readable picture") from error
        shown.append(Row(sheet.stem, (Panel("LR, SR, HR, glyphs", image, is_smooth=True),)))
    return shown


def _charts(rows: list[dict[str, Any]]) -> tuple[Panel, ...]:
    """A curve for each figure of some rows."""
    steps = [float(row["step"]) for row in rows]
    names = dict.fromkeys(name for row in rows for name, value in row.items() if _number(value) is not None)
    curves = {name: [_number(row.get(name)) for row in rows] for name in names if name not in HIDDEN}
    return tuple(Panel(name, curve_chart(steps, values), is_smooth=True) for name, values in curves.items())


def _read(line: str, path: Path, number: int) -> dict[str, Any]:
    try:
        row = dict(json.loads(line))
        float(row["step"])
    except (ValueError, TypeError, KeyError) as error:
        raise DataError(f"{path}: line {number}: not what a run logs") from error
    return row


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
