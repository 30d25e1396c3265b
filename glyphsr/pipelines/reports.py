"""What an ``upscale`` run did to each picture, as objects and as JSON, JSON lines or CSV."""

import csv
import io
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from glyphsr.errors import ConfigError

SCHEMA_VERSION = 1

FORMATS = (".json", ".jsonl", ".csv")


@dataclass(frozen=True)
class PictureReport:
    """One picture's fate."""

    input: str
    output: str | None
    status: Literal["done", "skipped", "failed"]
    method: Literal["network", "bicubic"] | None = None
    """``bicubic`` where the picture was too small to hold text."""
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
    guard: Literal["kept", "warned", "reverted"] | None = None
    guard_reason: str | None = None
    guard_ms: float | None = None
    mean_change: float | None = None
    """Mean absolute difference to bicubic, on a scale of 255."""
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
    """A run as the text of a ``.json``, ``.jsonl`` or ``.csv`` file."""
    if suffix == ".json":
        return json.dumps(run.as_dict(), indent=2) + "\n"
    rows = [asdict(picture) for picture in run.pictures]
    if suffix == ".jsonl":
        return "".join(json.dumps({"schema_version": SCHEMA_VERSION} | row) + "\n" for row in rows)
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, list(PictureReport.__dataclass_fields__), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()
