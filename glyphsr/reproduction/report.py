"""A table of the paper as it came out here, beside what is printed; as a document and as LaTeX."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from glyphsr.evaluation.paper_tables import PaperRow

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Spread:
    """Mean and sample deviation over seeds."""

    mean: float
    deviation: float | None
    """``None`` for a single seed."""

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread | None":
        """Of finite values; ``None`` if there are none.

        Example:
            >>> Spread.of([1.0, 3.0]), Spread.of([2.0])
            (Spread(mean=2.0, deviation=1.4142135623730951), Spread(mean=2.0, deviation=None))
        """
        known = [value for value in values if math.isfinite(value)]
        if not known:
            return None
        return cls(statistics.fmean(known), statistics.stdev(known) if len(known) > 1 else None)


@dataclass(frozen=True)
class SeedScore:
    """What one network reached."""

    seed: int | None
    """Of its training; ``None`` for a baseline or for weights that were given."""
    weights: str | None
    sha256: str | None
    accuracy: dict[str, tuple[float, ...]]
    """By judge: percent of words of each subset, and of all."""
    psnr_db: float
    ssim: float
    glyphs: dict[str, float] = field(default_factory=dict)
    """Of the run's last validation: IoU and MSE of its glyph maps."""


@dataclass(frozen=True)
class Line:
    """One row of the table."""

    id: str
    label: str
    scores: tuple[SeedScore, ...]
    paper: PaperRow | None
    missing: tuple[str, ...] = ()
    """What could not be scored, and why."""

    def accuracy(self, judge: str) -> list[Spread | None]:
        """Percent of words of each subset, and of all."""
        columns = zip(*(score.accuracy[judge] for score in self.scores if judge in score.accuracy), strict=True)
        return [Spread.of(values) for values in columns]

    def figure(self, name: str) -> Spread | None:
        """``psnr_db``, ``ssim`` or a figure of the glyph maps."""
        values = [getattr(score, name, score.glyphs.get(name, math.nan)) for score in self.scores]
        return Spread.of(values)


@dataclass(frozen=True)
class Reproduction:
    """A table."""

    table: str
    title: str
    subsets: tuple[str, ...]
    judges: tuple[str, ...]
    published: dict[str, str]
    """Judge -> which of the paper's judges it is; one that is none has no entry."""
    lines: tuple[Line, ...]
    data: str
    """What was scored."""
    comparable: str | None
    """Why ours are not comparable with the paper's numbers; ``None`` if they are."""
    notices: tuple[str, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether every row that can be trained was scored."""
        return not any(line.missing for line in self.lines)

    def as_dict(self) -> dict[str, Any]:
        """The JSON document."""
        lines = []
        for line in self.lines:
            # Mean and deviation over seeds, and every single score behind them.
            means = {judge: [_spread(value) for value in line.accuracy(judge)] for judge in self.judges}
            lines.append(
                {
                    "id": line.id,
                    "label": line.label,
                    "accuracy": means,
                    "psnr_db": _spread(line.figure("psnr_db")),
                    "ssim": _spread(line.figure("ssim")),
                    "char_iou": _spread(line.figure("char_iou")),
                    "line_iou": _spread(line.figure("line_iou")),
                    "paper": None if line.paper is None else asdict(line.paper),
                    "missing": list(line.missing),
                    "scores": [asdict(score) for score in line.scores],
                }
            )

        head = {"schema_version": SCHEMA_VERSION, "command": "reproduce", "table": self.table, "title": self.title}
        return head | {
            "subsets": list(self.subsets),
            "judges": list(self.judges),
            "data": self.data,
            "comparable": self.comparable is None,
            "not_comparable": self.comparable,
            "complete": self.is_complete,
            "rows": lines,
            "notices": list(self.notices),
        }


def _spread(value: Spread | None) -> dict[str, float | None] | None:
    return None if value is None else {"mean": round(value.mean, 6), "deviation": value.deviation}


def shown(value: Spread | None, digits: int = 2) -> str:
    """Mean and deviation as text.

    Example:
        >>> shown(Spread(62.09, 0.31)), shown(Spread(0.7591, None), 4), shown(None)
        ('62.09 ± 0.31', '0.7591', '-')
    """
    if value is None:
        return "-"
    deviation = "" if value.deviation is None else f" ± {value.deviation:.{digits}f}"
    return f"{value.mean:.{digits}f}{deviation}"


def columns_of(found: Reproduction) -> tuple[str, ...]:
    """Headers of the table: the row, every judge's subsets, fidelity, glyph maps."""
    readings = [f"{judge} {name}" for judge in found.judges for name in (*found.subsets, "all")]
    return ("", *readings, "PSNR", "SSIM", "char IoU", "seeds")


def rows_of(found: Reproduction) -> list[tuple[str, ...]]:
    """Ours, then the paper's, row by row; what is not known is a dash."""
    rows = []
    width = len(found.subsets) + 1
    for line in found.lines:
        cells: list[str] = []
        for judge in found.judges:
            values = line.accuracy(judge) or [None] * width
            cells += [shown(value) for value in values]
        cells += [shown(line.figure("psnr_db")), shown(line.figure("ssim"), 4), shown(line.figure("char_iou"), 3)]

        rows.append((line.label, *cells, str(len(line.scores))))
        if line.paper is not None:
            rows.append(_paper(found, line.paper, width))
    return rows


def _paper(found: Reproduction, row: PaperRow, width: int) -> tuple[str, ...]:
    cells: list[str] = []
    for judge in found.judges:
        # A judge without published weights stands beside the paper's judge of its kind.
        kind = found.published.get(judge, judge.partition("-")[0])
        # The paper's figures are of TextZoom's three subsets and of all.
        scores = row.accuracy.get(kind) if width == 1 + 3 else None
        cells += ["-" if value is None else f"{value:.2f}" for value in scores or (None,) * width]

    psnr = "-" if row.psnr_db is None else f"{row.psnr_db:.2f}"
    ssim = "-" if row.ssim is None else f"{row.ssim:.4f}"
    return (f"  paper: {row.name}", *cells, psnr, ssim, "-", "-")


def as_latex(found: Reproduction) -> str:
    """A ``tabular`` for booktabs."""
    remark = f"; not comparable: {found.comparable}" if found.comparable else ""
    return latex_tabular(f"{found.title}: {found.data}{remark}", columns_of(found), rows_of(found))


def latex_tabular(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    r"""A table for booktabs, its title as a comment.

    Example:
        >>> print(latex_tabular("T", ("", "a"), [("x & y", "1 ± 2")]).splitlines()[5])
        x \& y & 1 $\pm$ 2 \\
    """
    lines = [
        f"% {title}",
        r"\begin{tabular}{l" + "r" * (len(columns) - 1) + "}",
        r"\toprule",
        " & ".join(_escaped(cell) for cell in columns) + r" \\",
        r"\midrule",
        *(" & ".join(_escaped(cell) for cell in row) + r" \\" for row in rows),
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    for mark in "&%_#":
        text = text.replace(mark, f"\\{mark}")
    return text.strip().replace("±", r"$\pm$")
