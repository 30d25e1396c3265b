"""A run of ``upscale`` as the text of a report file."""

import csv
import io
import json
from dataclasses import asdict

from glyphsr.text.controls import guard_cell
from glyphsr.upscaling.hocr import render_hocr
from glyphsr.upscaling.report import SCHEMA_VERSION, PictureReport, UpscaleRun


def render_report(run: UpscaleRun, suffix: str) -> str:
    """A run as the text of a ``.json``, ``.jsonl``, ``.csv`` or ``.hocr`` file."""
    if suffix == ".json":
        return json.dumps(run.as_dict(), indent=2) + "\n"
    if suffix == ".hocr":
        return render_hocr(run)
    rows = [asdict(picture) for picture in run.pictures]
    if suffix == ".jsonl":
        return "".join(json.dumps({"schema_version": SCHEMA_VERSION} | row) + "\n" for row in rows)
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, list(PictureReport.__dataclass_fields__), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        cells = row | {"regions": json.dumps(row["regions"]) if row["regions"] else ""}
        writer.writerow({name: guard_cell(cell) if isinstance(cell, str) else cell for name, cell in cells.items()})
    return buffer.getvalue()
