"""What an ``upscale`` run did to each picture, as objects and as JSON, JSON lines or CSV."""

import csv
import html
import io
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from glyphsr.config.upscale import UpscaleConfig
from glyphsr.errors import ConfigError
from glyphsr.guard.guard import AS_BEFORE, Action, Verdict
from glyphsr.upscaling.line import UpscaledLine
from glyphsr.upscaling.pages import UpscaledPage

SCHEMA_VERSION = 1

FORMATS = (".json", ".jsonl", ".csv", ".hocr")


@dataclass(frozen=True)
class RegionReport:
    """One line of text in a picture."""

    box: list[list[float]]
    """Corners ``[x, y]`` in the input's pixels, clockwise as the text is read, its upper left first."""
    text_height: float
    action: str
    """``enlarged``, or why it was left to plain enlargement."""
    prior_text: str | None = None
    guard_reader: str | None = None
    read_before: str | None = None
    read_before_confidence: float | None = None
    read_after: str | None = None
    read_after_confidence: float | None = None
    guard: Action | None = None
    guard_reason: str | None = None
    guard_ms: float | None = None


@dataclass(frozen=True)
class PictureReport:
    """One picture's fate."""

    input: str
    output: str | None
    status: Literal["done", "skipped", "failed"]
    method: Literal["network", "bicubic", "lanczos"] | None = None
    """``bicubic`` where the picture was too small to hold text, ``lanczos`` where a page holds none."""
    width: int | None = None
    height: int | None = None
    output_width: int | None = None
    output_height: int | None = None
    windows: int = 0
    """How many overlapping windows the line passed through."""
    strength: float | None = None
    prior_text: str | None = None
    """What the text prior read; a hint of what guided the network, not a transcription."""
    prior_confidence: float | None = None
    guard_reader: str | None = None
    """Who read the line before and after."""
    read_before: str | None = None
    read_before_confidence: float | None = None
    read_after: str | None = None
    """Of the network's result, also where that was taken back."""
    read_after_confidence: float | None = None
    guard: Action | None = None
    guard_reason: str | None = None
    guard_ms: float | None = None
    regions: tuple[RegionReport, ...] | None = None
    """Lines of a page; ``None`` for a picture that is one line."""
    mean_change: float | None = None
    """Mean absolute difference to the plain enlargement, a line's bicubic or a page's Lanczos, on a scale of 255."""
    seconds: float | None = None
    """Share of the batch's time."""
    note: str | None = None
    """Anything the user should know, such as a dropped alpha channel."""
    error: str | None = None


@dataclass(frozen=True)
class UpscaleRun:
    """A whole run."""

    pictures: tuple[PictureReport, ...]
    weights: str | None
    """File of the weights in use; ``None`` if nothing was left to do."""
    seconds: float
    config: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    """Of this package and torch."""

    def count(self, status: str) -> int:
        """Pictures of one status."""
        return sum(picture.status == status for picture in self.pictures)

    @property
    def exit_code(self) -> int:
        """0 all done or skipped, 3 some failed, 1 all failed."""
        failed = self.count("failed")
        if not failed:
            return 0
        return 1 if failed == len(self.pictures) else 3

    def as_dict(self) -> dict[str, Any]:
        """The JSON document."""
        return {
            "schema_version": SCHEMA_VERSION,
            "command": "upscale",
            "done": self.count("done"),
            "skipped": self.count("skipped"),
            "failed": self.count("failed"),
            "seconds": round(self.seconds, 3),
            "weights": self.weights,
            "versions": self.versions,
            "config": self.config,
            "pictures": [asdict(picture) for picture in self.pictures],
        }


def check_report_path(path: Path, *, overwrite: bool) -> None:
    """Refuse a report we could not write, before any work is done.

    Raises:
        ConfigError: If its ending is unknown, its folder is missing, or it exists and may not be replaced.
    """
    if path.suffix.lower() not in FORMATS:
        raise ConfigError(f"--report {path}: expected a name ending in {', '.join(FORMATS)}")
    if not path.parent.is_dir():
        raise ConfigError(f"--report {path}: the folder {path.parent} does not exist")
    if path.exists() and not overwrite:
        raise ConfigError(f"--report {path}: exists already; --overwrite replaces it")


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
    writer.writerows(row | {"regions": json.dumps(row["regions"]) if row["regions"] else ""} for row in rows)
    return buffer.getvalue()


def render_hocr(run: UpscaleRun) -> str:
    """What was read where, in the outputs' pixels, as the hOCR of OCR programs (version 1.2)."""
    pages = []
    for number, picture in enumerate((picture for picture in run.pictures if picture.status == "done"), 1):
        width, height = picture.output_width or 0, picture.output_height or 0
        scale = width / (picture.width or 1), height / (picture.height or 1)
        lines = [
            _hocr_line(region.box, scale, (width, height), _displayed_text(region), f"line_{number}_{i}")
            for i, region in enumerate(picture.regions or (), 1)
        ]
        if picture.regions is None:
            whole = [[0.0, 0.0], [float(picture.width or 0), float(picture.height or 0)]]
            lines = [_hocr_line(whole, scale, (width, height), _displayed_text(picture), f"line_{number}_1")]
        name = picture.output or "stdout"
        title = html.escape(f'image "{name}"; bbox 0 0 {width} {height}; ppageno {number - 1}')
        pages.append(f"<div class='ocr_page' id='page_{number}' title='{title}'>\n" + "\n".join(lines) + "\n</div>")
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<html xmlns="http://www.w3.org/1999/xhtml"><head><title></title>\n'
        "<meta name='ocr-system' content='glyphsr'/>\n"
        "<meta name='ocr-capabilities' content='ocr_page ocr_line'/>\n</head>\n"
        "<body>\n" + "\n".join(pages) + "\n</body></html>\n"
    )


def _displayed_text(part: RegionReport | PictureReport) -> tuple[str, float | None]:
    """What the written picture says as far as is known, by the guard or else by the prior, and how sure that is."""
    if part.guard in AS_BEFORE:
        return part.read_before or "", part.read_before_confidence
    if part.guard is not None:
        return part.read_after or "", part.read_after_confidence
    return part.prior_text or "", None


def _hocr_line(
    box: list[list[float]],
    scale: tuple[float, float],
    size: tuple[int, int],
    said: tuple[str, float | None],
    identity: str,
) -> str:
    x, y = ([min(max(point[axis] * scale[axis], 0), size[axis]) for point in box] for axis in (0, 1))
    text, confidence = said
    title = f"bbox {min(x):.0f} {min(y):.0f} {max(x):.0f} {max(y):.0f}"
    title += f"; x_wconf {100 * confidence:.0f}" if confidence is not None else ""
    return f"<span class='ocr_line' id='{identity}' title='{title}'>{html.escape(text)}</span>"


def report_fields(result: UpscaledLine | UpscaledPage, strength: float) -> dict[str, Any]:
    """How it was made, what was read, and what the guard says; ``strength`` is the network's."""
    return _page_fields(result, strength) if isinstance(result, UpscaledPage) else _line_fields(result, strength)


def _line_fields(result: UpscaledLine, strength: float) -> dict[str, Any]:
    """What a report says of a picture that is one line."""
    reading = result.reading
    return {
        "method": "network" if result.plan else "bicubic",
        "windows": len(result.plan.starts) if result.plan else 0,
        "strength": strength if result.plan else 0.0,
        "prior_text": reading.text if reading else None,
        "prior_confidence": round(reading.confidence, 4) if reading else None,
        **_verdict_fields(result.verdict),
    }


def _page_fields(result: UpscaledPage, strength: float) -> dict[str, Any]:
    """What it says of a page."""
    enlarged = any(region.line is not None for region in result.regions)
    regions = tuple(
        RegionReport(
            box=region.quad.round(2).tolist(),
            text_height=region.text_height,
            action=region.action,
            prior_text=region.reading,
            **_verdict_fields(region.verdict),
        )
        for region in result.regions
    )
    return {
        "method": "network" if enlarged else "lanczos",
        "strength": strength if enlarged else 0.0,
        "regions": regions,
    }


def notes_of(result: UpscaledLine | UpscaledPage, config: UpscaleConfig) -> list[str]:
    """Why the network did not see a picture, or was not told its text."""
    if isinstance(result, UpscaledLine):
        if result.plan is None:
            return ["too small to hold text; enlarged by bicubic"]
        split = bool(config.text) and len(result.plan.starts) > 1
        return ["so long a line is not told its text"] if split else []
    if not result.regions:
        return ["no text found; enlarged by Lanczos alone"]
    left = sum(region.line is None for region in result.regions)
    notes = [f"{left} of {len(result.regions)} lines left to plain enlargement"] if left else []
    if config.text and len(result.regions) > 1:
        notes.append(
            f"--text is not used, since there are {len(result.regions)} lines; give --boxes with a text for each"
        )
    return notes


def _verdict_fields(verdict: Verdict | None) -> dict[str, Any]:
    """What a report says of the guard's reading."""
    if verdict is None:
        return {}
    return {
        "guard_reader": verdict.reader,
        "read_before": verdict.before.text,
        "read_before_confidence": round(verdict.before.confidence, 4),
        "read_after": verdict.after.text,
        "read_after_confidence": round(verdict.after.confidence, 4),
        "guard": verdict.action,
        "guard_reason": verdict.reason,
        "guard_ms": verdict.milliseconds,
    }
