"""What an ``upscale`` run did to each picture, as objects and as JSON, JSON lines or CSV."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from glyphsr.errors import ConfigError, DataError
from glyphsr.guard.guard import Action, Verdict
from glyphsr.system.atomic_files import check_writable
from glyphsr.upscaling.line import UpscaledLine
from glyphsr.upscaling.pages import Region, UpscaledPage

SCHEMA_VERSION = 1

FORMATS = (".json", ".jsonl", ".csv", ".hocr")


OUTDATED = "made with other settings; --overwrite makes it again"
"""Note of a result that was kept although it is not what was asked for."""

Method = Literal["network", "bicubic", "lanczos"]
"""What made a line or picture what it is."""

UNSURE = "sharpened as seen: no text was read surely; --draw all draws the likeliest"
"""Of lines that the network changed without a text to draw."""


@dataclass(frozen=True, kw_only=True)
class ReadingReport:
    """What was read in a line of text, and what the guard says of it."""

    text_drawn: bool | None = None
    """Whether the network was given a text, the prior's reading or yours; ``None`` where nothing was changed."""
    prior_text: str | None = None
    """What the text prior read; guidance of what conditioned the network, not a transcription."""
    prior_confidence: float | None = None
    lexicon_replaced: str | None = None
    """What it read before the word list replaced some of it; ``None`` where it did not."""
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
    mean_change: float | None = None
    """Mean absolute difference to the plain enlargement, on a scale of 255: to bicubic of a straight line, to Lanczos
    of a page."""


@dataclass(frozen=True)
class RegionReport(ReadingReport):
    """One line of text in a picture."""

    box: list[list[float]]
    """Corners ``[x, y]`` in the input's pixels, clockwise as the text is read, its upper left first."""
    text_height: float
    action: str
    """``enlarged``, or why it was left to plain enlargement."""
    method: Method = "lanczos"
    """``network`` where it changed the line, ``bicubic`` where it did not, ``lanczos`` where the line was left."""


@dataclass(frozen=True)
class PictureReport(ReadingReport):
    """One picture's fate."""

    input: str
    output: str | None
    status: Literal["done", "skipped", "failed"]
    page: int | None = None
    """Of a document, from 1."""
    sha256: str | None = None
    """Of what came from a web address, stdin or the clipboard."""
    method: Method | None = None
    """``network`` where it changed anything, ``bicubic`` where a line came out unchanged, ``lanczos`` likewise for a
    page."""
    width: int | None = None
    height: int | None = None
    output_width: int | None = None
    output_height: int | None = None
    windows: int = 0
    """How many overlapping windows the line passed through."""
    strength: float | None = None
    regions: tuple[RegionReport, ...] | None = None
    """Lines of a page; ``None`` for a picture that is one line."""
    seconds: float | None = None
    """Fraction of the batch's time."""
    note: str | None = None
    """Anything the user should know, such as a dropped alpha channel."""
    error: str | None = None
    is_missing: bool = False
    """Whether it failed because there is no such file."""


@dataclass(frozen=True)
class UpscaleRun:
    """A whole run."""

    pictures: Sequence[PictureReport]
    weights: str | None
    """File of the weights in use; ``None`` if nothing was left to do."""
    seconds: float
    config: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    """Of this package and torch."""
    problem: str | None = None
    """Why the report could not be written."""
    left_out: str | None = None
    """What folders hold that was not taken for an input."""

    @cached_property
    def _counts(self) -> Counter[str]:
        return Counter(status for picture in self.pictures for status in (picture.status, *_kinds(picture)))

    def count(self, status: str) -> int:
        """Pictures of one status."""
        return self._counts[status]

    @property
    def improved(self) -> int:
        """Pictures that the network changed, given their text or what it read."""
        return self._counts["improved"]

    @property
    def sharpened(self) -> int:
        """Pictures that the network changed without a text to draw, since none was read surely."""
        return self._counts["sharpened"]

    @property
    def outdated(self) -> int:
        """Results that were kept although they were made with other settings."""
        return self._counts["outdated"]

    @property
    def exit_code(self) -> int:
        """0 all done or skipped, 3 some failed, 4 none is there, 1 all failed or the report not written."""
        failed = self.count("failed")
        if self.problem:
            return 1
        if not failed:
            return 0
        if failed < len(self.pictures):
            return 3
        return DataError.exit_code if self._counts["missing"] == failed else 1

    def as_dict(self) -> dict[str, Any]:
        """The JSON document."""
        return {
            "schema_version": SCHEMA_VERSION,
            "command": "upscale",
            "done": self.count("done"),
            "improved": self.improved,
            "sharpened": self.sharpened,
            "skipped": self.count("skipped"),
            "outdated": self.outdated,
            "failed": self.count("failed"),
            "seconds": round(self.seconds, 3),
            "weights": self.weights,
            "versions": self.versions,
            "config": self.config,
            "left_out": self.left_out,
            "pictures": [as_row(picture) for picture in self.pictures],
        }


def _kinds(picture: PictureReport) -> Iterator[str]:
    if picture.status == "done" and picture.method == "network":
        yield "sharpened" if picture.text_drawn is False else "improved"
    if picture.note == OUTDATED:
        yield "outdated"
    if picture.is_missing:
        yield "missing"


ROW_FIELDS = tuple(
    name
    for is_shared in (False, True)
    for name in PictureReport.__dataclass_fields__
    if (name in ReadingReport.__dataclass_fields__) == is_shared and name != "is_missing"
)
"""Columns of a report: which picture it is comes first."""


def as_row(picture: PictureReport) -> dict[str, Any]:
    """A picture's report as plain values."""
    values = asdict(picture)
    return {name: values[name] for name in ROW_FIELDS}


def check_report_path(path: Path) -> None:
    """Refuse a report we could not write, before any work is done.

    Raises:
        ConfigError: If its ending is unknown or its folder is missing.
        OutputError: If nothing can be written there.
    """
    if path.suffix.lower() not in FORMATS:
        raise ConfigError(f"--report {path}: expected a name ending in {', '.join(FORMATS)}")
    if not path.parent.is_dir():
        raise ConfigError(f"--report {path}: the folder {path.parent} does not exist")
    check_writable(path, "--report")


def report_fields(result: UpscaledLine | UpscaledPage, strength: float) -> dict[str, Any]:
    """How it was made, what was read, and what the guard says; ``strength`` is the network's."""
    return _page_fields(result, strength) if isinstance(result, UpscaledPage) else _line_fields(result, strength)


def _line_fields(result: UpscaledLine, strength: float) -> dict[str, Any]:
    """What a report says of a picture that is one line."""
    reading = result.reading
    return {
        "method": "network" if result.is_changed else "bicubic",
        "windows": len(result.plan.starts) if result.plan else 0,
        "strength": strength if result.plan else 0.0,
        "text_drawn": _text_drawn(result),
        "prior_text": reading.text if reading else None,
        "prior_confidence": round(reading.confidence, 4) if reading else None,
        "lexicon_replaced": reading.raw if reading else None,
        **_verdict_fields(result.verdict),
    }


def _page_fields(result: UpscaledPage, strength: float) -> dict[str, Any]:
    """What it says of a page."""
    changed = any(region.result is not None and region.result.is_changed for region in result.regions)
    return {
        "method": "network" if changed else "lanczos",
        "strength": strength if changed else 0.0,
        "regions": tuple(_region_report(region) for region in result.regions),
    }


def _region_report(region: Region) -> RegionReport:
    """What a report says of one line of a page."""
    box = region.quad.round(2).tolist()
    result = region.result
    if result is None:
        return RegionReport(box, region.text_height, region.action)

    reading = result.reading
    return RegionReport(
        box,
        region.text_height,
        region.action,
        method="network" if result.is_changed else "bicubic",
        mean_change=round(255 * result.change, 3),
        text_drawn=_text_drawn(result),
        prior_text=reading.text if reading else None,
        lexicon_replaced=reading.raw if reading else None,
        **_verdict_fields(result.verdict),
    )


def _text_drawn(result: UpscaledLine) -> bool | None:
    return result.is_sure if result.is_changed else None


def notes_of(result: UpscaledLine | UpscaledPage, text: str | None) -> list[str]:
    """Why a picture, or lines of it, came out as plain enlargement or without a text.

    Args:
        result: What became of it.
        text: What was given as its text.
    """
    if isinstance(result, UpscaledLine):
        why = why_unchanged(result)
        return [f"only enlarged by bicubic: {why}"] if why else [] if result.is_sure else [UNSURE]

    if not result.regions:
        return ["no text found; enlarged by Lanczos alone"]

    # Lines left alone and lines that came out unchanged are counted together.
    found = [region.action if region.result is None else why_unchanged(region.result) for region in result.regions]
    reasons = Counter(why for why in found if why)

    notes = []
    if reasons:
        listed = ", ".join(f"{count} {why}" for why, count in reasons.items())
        notes.append(f"{reasons.total()} of {len(found)} lines only enlarged: {listed}")

    unsure = sum(region.result is not None and _text_drawn(region.result) is False for region in result.regions)
    if unsure:
        notes.append(f"{unsure} of {len(found)} lines {UNSURE}")

    if text and len(result.regions) > 1:
        notes.append(
            f"--text is not used, since there are {len(result.regions)} lines; give --boxes with a text for each"
        )
    return notes


def why_unchanged(result: UpscaledLine) -> str | None:
    """Why a line equals bicubic; ``None`` where it does not."""
    if result.plan is None:
        return "too small to hold text"
    if result.is_changed:
        return None
    # Why nothing changed, the likeliest reason first.
    if result.verdict is not None and result.verdict.action == "reverted":
        return "taken back by the guard"
    if result.reading is None:
        return "no text was read"
    return "the network changed nothing"


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


def displayed_text(part: RegionReport | PictureReport) -> tuple[str, float | None]:
    """What the written picture says as far as is known, by the guard or else by the prior, and how sure that is."""
    # A line that was taken back says what it said before.
    if part.guard == "reverted":
        return part.read_before or "", part.read_before_confidence
    if part.guard is not None:
        return part.read_after or "", part.read_after_confidence
    return part.prior_text or "", None
