"""What an evaluation found, and its views as JSON and CSV."""

import csv
import io
import math
from dataclasses import asdict, dataclass, field
from typing import Any

from glyphsr.evaluation.methods import MethodInfo
from glyphsr.ocr.readers import ReaderInfo
from glyphsr.text.controls import guard_cell

SCHEMA_VERSION = 1

WEIGHTED, PLAIN = "weighted", "plain"
"""Averages over subsets: by their number of samples (the paper's tables), and each counting the same."""

AVERAGING = {
    WEIGHTED: "over all samples, so that larger subsets count more (the paper's tables)",
    PLAIN: "over subsets, each counting the same (the released test script)",
}


@dataclass(frozen=True)
class SubsetInfo:
    """One subset."""

    name: str
    paths: tuple[str, ...]
    images: int
    """Samples that were scored."""
    bad: int = 0
    """Samples that could not be read."""


@dataclass(frozen=True)
class SubsetScores:
    """One number per subset and its two averages."""

    parts: tuple[float, ...]
    weighted: float
    plain: float
    interval: tuple[float, float] | None = None
    """95% bootstrap interval of the weighted average."""


@dataclass(frozen=True)
class ReadingScore:
    """How well one judge reads one row's pictures; texts are lower-cased letters and digits."""

    row: str
    judge: str
    accuracy: SubsetScores
    """Fraction of texts read exactly."""
    cer: SubsetScores
    """Edits per character of the labels; the weighted average is over all characters."""
    similarity: SubsetScores
    """One minus the normalised edit distance (1-NED)."""
    images_per_s: float


@dataclass(frozen=True)
class FidelityScore:
    """How close one row's pictures are to the HR side."""

    row: str
    psnr_db: SubsetScores
    ssim: SubsetScores
    psnr_per_image_db: SubsetScores
    """Mean of the images' own PSNR; the same as ``psnr_db`` in the standard protocol."""
    identical: int
    """Pictures equal to the HR side, whose infinite PSNR is in no mean unless all are."""
    images_per_s: float


@dataclass(frozen=True)
class Comparison:
    """McNemar's exact test of two rows with one judge."""

    judge: str
    first: str
    second: str
    only_first: int
    only_second: int
    p_value: float


@dataclass(frozen=True)
class Problem:
    """A sample or a subset that was not scored as it should be."""

    id: str
    message: str
    scored: bool = False
    """Whether it counts all the same (as wrong)."""


@dataclass(frozen=True)
class EvaluationReport:
    """Everything an evaluation found."""

    protocol: str
    parts: tuple[SubsetInfo, ...]
    rows: tuple[MethodInfo, ...]
    judges: tuple[ReaderInfo, ...]
    reading: tuple[ReadingScore, ...]
    fidelity: tuple[FidelityScore, ...]
    comparisons: tuple[Comparison, ...]
    problems: tuple[Problem, ...]
    notices: tuple[str, ...]
    seconds: float
    config: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def counts(self) -> tuple[int, ...]:
        """Scored samples of each subset."""
        return tuple(part.images for part in self.parts)

    @property
    def exit_code(self) -> int:
        """0, or 3 if there were problems, or 1 if nothing could be scored."""
        if not sum(self.counts):
            return 1
        return 3 if self.problems else 0

    def score(self, row: str, judge: str) -> ReadingScore:
        """The score of a row with a judge.

        Raises:
            KeyError: If there is none.
        """
        found = [score for score in self.reading if (score.row, score.judge) == (row, judge)]
        if not found:
            raise KeyError((row, judge))
        return found[0]

    def as_dict(self) -> dict[str, Any]:
        """The JSON document; numbers that are not finite become null."""
        document = {"schema_version": SCHEMA_VERSION, "command": "eval", "averaging": AVERAGING, **asdict(self)}
        return _finite(document)  # type: ignore[no-any-return]


def _finite(value: Any) -> Any:
    """A document whose numbers JSON can hold."""
    if isinstance(value, dict):
        return {key: _finite(below) for key, below in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(below) for below in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


CSV_COLUMNS = (
    *("row", "judge", "metric", "subset", "images", "value", "low", "high", "protocol", "sha256"),
    *("judge_weights", "judge_sha256", "data"),
)


def as_csv(report: EvaluationReport) -> str:
    """One line per row, judge, metric and subset or average; fidelity has no judge."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)

    # What each line repeats, so that it can be understood alone.
    judges = {judge.name: (judge.weights, judge.sha256 or "") for judge in report.judges} | {"": ("", "")}
    data = {part.name: " ".join(part.paths) for part in report.parts}
    hashes = {row.name: " ".join(f"{name}:{value}" for name, value in row.sha256.items()) for row in report.rows}

    def write(row: str, judge: str, metric: str, figures: SubsetScores) -> None:
        subsets = [(part.name, part.images, value) for part, value in zip(report.parts, figures.parts, strict=True)]
        total = sum(report.counts)
        subsets += [(WEIGHTED, total, figures.weighted), (PLAIN, total, figures.plain)]
        for subset, images, value in subsets:
            # Only the weighted average has an interval.
            ends = figures.interval if subset == WEIGHTED and figures.interval else ("", "")
            shown = value if math.isfinite(value) else ""
            basis = [report.protocol, hashes[row], *judges[judge], data.get(subset, "")]
            cells = [row, judge, metric, subset, images, shown, *ends, *basis]
            # A label that begins with "=" would be a formula to a spreadsheet.
            writer.writerow([guard_cell(cell) if isinstance(cell, str) else cell for cell in cells])

    for reading in report.reading:
        for metric in ("accuracy", "cer", "similarity"):
            write(reading.row, reading.judge, metric, getattr(reading, metric))

    for fidelity in report.fidelity:
        for metric in ("psnr_db", "ssim", "psnr_per_image_db"):
            write(fidelity.row, "", metric, getattr(fidelity, metric))
    return buffer.getvalue()
