"""What files say, as text, JSON, hOCR and ALTO."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from glyphsr.errors import ConfigError
from glyphsr.upscaling.alto import render_alto
from glyphsr.upscaling.hocr import render_hocr
from glyphsr.upscaling.reading import ReadResult
from glyphsr.upscaling.report import PictureReport, RegionReport, UpscaleRun

TextForm = Literal["text", "json", "jsonl", "hocr", "alto"]

ENDINGS: dict[str, TextForm] = {
    ".txt": "text",
    ".json": "json",
    ".jsonl": "jsonl",
    ".hocr": "hocr",
    ".html": "hocr",
    ".xml": "alto",
}
"""Forms by the ending of a file's name; the first of a form is the one that we write."""


@dataclass(frozen=True, eq=False)
class FileReading:
    """What one file says."""

    name: str
    found: ReadResult | None
    """``None`` where it could not be read."""
    error: str | None = None
    is_missing: bool = False
    """Whether there is no such file."""

    def as_dict(self) -> dict[str, Any]:
        """Its part of the JSON document."""
        return {"input": self.name, "error": self.error} | (self.found.as_dict() if self.found else {})


def render_readings(readings: Sequence[FileReading], form: TextForm) -> str:
    """Readings as the content of one file.

    Raises:
        ConfigError: If they are several, and the form holds one.
    """
    good = [(reading.name, reading.found) for reading in readings if reading.found is not None]
    if form == "json":
        # JSON tells of failures, too; the other forms hold texts alone.
        pictures = [reading.as_dict() for reading in readings]
        document = {"schema_version": 1, "command": "read", "pictures": pictures}
        return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    if form == "jsonl":
        rows = (json.dumps({"schema_version": 1} | one.as_dict(), ensure_ascii=False) for one in readings)
        return "".join(f"{row}\n" for row in rows)

    if form == "hocr":
        pages = tuple(_as_report(name, found) for name, found in good)
        return render_hocr(UpscaleRun(pages, None, 0.0))
    if form == "alto":
        if len(good) > 1:
            raise ConfigError("--format alto: one file holds one picture; give -o FOLDER")
        return "".join(render_alto(name, found) for name, found in good)
    # Plain text: names stand above only where there are several files.
    if len(readings) == 1:
        return "".join(f"{found.text}\n" for _, found in good)

    return "\n".join(f"{name}:\n{found.text}\n" for name, found in good)


def _as_report(name: str, found: ReadResult) -> PictureReport:
    """As hOCR takes it: in the picture's own pixels."""
    # Read lines as if the guard had kept them, so that hOCR takes what was read after.
    lines = tuple(
        RegionReport(
            [list(corner) for corner in line.box],
            0.0,
            "enlarged",
            guard="kept",
            read_after=line.text,
            read_after_confidence=line.reading.confidence,
        )
        for line in found.lines
    )

    return PictureReport(
        name,
        name,
        "done",
        width=found.width,
        height=found.height,
        output_width=found.width,
        output_height=found.height,
        regions=lines,
    )
