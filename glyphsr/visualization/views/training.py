"""A training run: its curves and the panels of its last validations."""

from pathlib import Path
from typing import Any

from glyphsr.data.lmdb_pairs import decode_rgb
from glyphsr.errors import ConfigError, DataError
from glyphsr.safe_reading.content import read_content
from glyphsr.safe_reading.limits import PICTURE_BYTES
from glyphsr.safe_reading.text_files import read_json_lines
from glyphsr.training.run_folder import RunFolder
from glyphsr.viz.curves_chart import curve_chart
from glyphsr.viz.panels import Panel, Row

SHOWN_SHEETS = 3
MOST_CURVES = 100
LARGEST = 1e30
"""Figures beyond it are no measurements, and would overflow a chart."""
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

    rows = [_checked(row, folder.metrics, number) for number, row in read_json_lines(folder.metrics)]
    if not rows:
        raise DataError(f"{folder.metrics}: nothing was logged yet")

    # Losses and speed of every logged step, then what was validated, then pictures.
    shown = [Row(f"{run.name}: to step {rows[-1]['step']}, measured {len(rows)} times", _charts(rows))]
    scores = [{"step": row["step"], **row["score"]} for row in rows if isinstance(row.get("score"), dict)]
    if scores:
        shown.append(Row("validation", _charts(scores)))

    for sheet in sorted(folder.samples.glob("step-*.png"))[-SHOWN_SHEETS:]:
        image = decode_rgb(read_content(sheet, PICTURE_BYTES), str(sheet))
        shown.append(Row(sheet.stem, (Panel("LR, SR, HR, glyphs", image, is_smooth=True),)))

    return shown


def _charts(rows: list[dict[str, Any]]) -> tuple[Panel, ...]:
    """A curve for each figure of some rows."""
    steps = [float(row["step"]) for row in rows]
    names = dict.fromkeys(name for row in rows for name, value in row.items() if _number(value) is not None)
    shown = [name for name in names if name not in HIDDEN][:MOST_CURVES]
    curves = {name: [_number(row.get(name)) for row in rows] for name in shown}
    return tuple(Panel(name, curve_chart(steps, values), is_smooth=True) for name, values in curves.items())


def _checked(row: Any, path: Path, number: int) -> dict[str, Any]:
    if not isinstance(row, dict) or _number(row.get("step")) is None:
        raise DataError(f"{path}: line {number}: not what a run logs")
    return row


def _number(value: Any) -> float | None:
    if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) <= LARGEST:
        return None
    return float(value)
