"""A run of ``upscale`` as the text of a report file."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

from glyphsr.system.atomic_files import atomic_path
from glyphsr.text.controls import guard_cell
from glyphsr.upscaling.hocr import render_hocr
from glyphsr.upscaling.report import ROW_FIELDS, UpscaleRun, as_row
from glyphsr.upscaling.report_journal import row_of


def write_report(run: UpscaleRun, path: Path) -> None:
    """Write a run to a ``.json``, ``.jsonl``, ``.csv`` or ``.hocr`` file; rows go there one by one.

    Raises:
        OSError: If it cannot be written.
    """
    with (
        atomic_path(path) as temporary,
        temporary.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file,
    ):
        file.writelines(_parts(run, path.suffix.lower()))


def _parts(run: UpscaleRun, suffix: str) -> Iterator[str]:
    """The text of a report, piece by piece."""
    if suffix == ".json":
        yield json.dumps(run.as_dict(), indent=2) + "\n"
    elif suffix == ".hocr":
        yield render_hocr(run)
    elif suffix == ".jsonl":
        for picture in run.pictures:
            yield row_of(picture)
    else:
        yield from _csv(run)


def _csv(run: UpscaleRun) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, list(ROW_FIELDS), lineterminator="\n")
    writer.writeheader()
    for picture in run.pictures:
        row = as_row(picture)
        # A cell holds text alone: lines of a page stand in it as JSON.
        cells = row | {"regions": json.dumps(row["regions"]) if row["regions"] else ""}
        writer.writerow({name: guard_cell(cell) if isinstance(cell, str) else cell for name, cell in cells.items()})
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue()
