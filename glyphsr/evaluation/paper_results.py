"""Which of the paper's rows belong beside a report's, for ``eval --compare-paper``."""

from collections.abc import Sequence
from dataclasses import dataclass

from glyphsr.evaluation.paper_tables import ROWS, TEXTZOOM_COUNTS, PaperRow, Scores
from glyphsr.evaluation.report import EvaluationReport

ALWAYS = "table1/glyphsr"
"""The row that every comparison shows."""

UNPROVED = "judge not proved"
"""Stands on every row beside a judge whose weights are only said to be the published ones."""


@dataclass(frozen=True)
class PaperLine:
    """A published row beside a report's."""

    id: str
    name: str
    """For a person; says so where the judge is not proved to be the paper's."""
    scores: Scores


def is_textzoom(counts: Sequence[int]) -> bool:
    """Whether subsets of these sizes are TextZoom's easy, medium and hard.

    Example:
        >>> is_textzoom([1619, 1411, 1343]), is_textzoom([503, 503, 503])
        (True, False)
    """
    return tuple(counts) == TEXTZOOM_COUNTS


def why_not_comparable(report: EvaluationReport) -> str | None:
    """Why the paper's numbers must not stand beside a report's; ``None`` if they may."""
    if report.protocol != "paper":
        return f"the {report.protocol} protocol is not the paper's"
    if not is_textzoom(report.counts):
        ours, theirs = ("/".join(map(str, counts)) for counts in (report.counts, TEXTZOOM_COUNTS))
        return f"not TextZoom ({ours} samples, TextZoom has {theirs})"
    if not any(judge.published for judge in report.judges):
        return "no judge has its authors' weights"
    return None


def rows_beside(report: EvaluationReport) -> list[PaperRow]:
    """Published rows of a report's rows, and the paper's own network."""
    wanted = [row.paper or f"table1/{row.name}" for row in report.rows]
    return [ROWS[id_] for id_ in dict.fromkeys([*wanted, ALWAYS]) if id_ in ROWS]


def paper_rows(report: EvaluationReport, judge: str) -> list[PaperLine]:
    """The published rows that belong beside a report's, for one judge."""
    info = next((info for info in report.judges if info.name == judge), None)
    if info is None or info.published is None or why_not_comparable(report):
        return []
    # Weights that are only said to be the authors' get a remark, not a silent place beside the paper.
    remark = "" if info.proof else f" ({UNPROVED})"
    return [
        PaperLine(row.id, f"{row.name}{remark}", row.accuracy[info.published])
        for row in rows_beside(report)
        if info.published in row.accuracy
    ]


def paper_fidelity(report: EvaluationReport) -> list[PaperRow]:
    """The published rows with PSNR and SSIM that belong beside a report's."""
    if report.protocol != "paper" or not is_textzoom(report.counts):
        return []
    return [row for row in rows_beside(report) if row.psnr_db is not None]
