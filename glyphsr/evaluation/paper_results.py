"""The paper's rows on TextZoom, for ``eval --compare-paper``: percent of words read, easy / medium / hard / average."""

from collections.abc import Sequence

from glyphsr.evaluation.report import EvaluationReport

TEXTZOOM_COUNTS = (1619, 1411, 1343)
"""Test pairs of easy, medium and hard; what a set must have before it is compared with these numbers."""

Scores = tuple[float | None, float | None, float | None, float]

PAPER: dict[tuple[str, str], Scores] = {
    ("bicubic", "crnn"): (36.4, 21.1, 21.1, 26.8),
    ("bicubic", "moran"): (60.6, 37.9, 30.8, 44.1),
    ("bicubic", "aster"): (64.7, 42.4, 31.2, 47.2),
    ("hr", "crnn"): (76.4, 75.1, 64.6, 72.4),
    ("hr", "moran"): (91.2, 85.3, 74.2, 84.1),
    ("hr", "aster"): (94.2, 87.7, 76.2, 86.6),
    ("glyphsr", "crnn"): (71.40, 64.78, 48.03, 62.1),
    ("glyphsr", "moran"): (None, None, None, 68.5),
    ("glyphsr", "aster"): (None, None, None, 71.0),
    ("glyphsr-no-gfm", "crnn"): (70.78, 62.08, 48.10, 61.01),
    ("tsrn", "crnn"): (None, None, None, 41.4),
    ("tsrn", "moran"): (None, None, None, 55.4),
    ("tsrn", "aster"): (None, None, None, 58.3),
    ("tbsrn", "crnn"): (None, None, None, 48.1),
    ("tbsrn", "moran"): (None, None, None, 58.4),
    ("tbsrn", "aster"): (None, None, None, 60.1),
    ("tpgsr", "crnn"): (None, None, None, 49.8),
    ("tpgsr", "moran"): (None, None, None, 57.8),
    ("tpgsr", "aster"): (None, None, None, 60.9),
    ("tatt", "crnn"): (None, None, None, 52.6),
    ("tatt", "moran"): (None, None, None, 59.5),
    ("tatt", "aster"): (None, None, None, 63.6),
}
"""(row, judge) -> scores. Averages are weighted by samples. Sources: the GlyphSR paper, its tables of others."""


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


def paper_rows(report: EvaluationReport, judge: str) -> list[tuple[str, *Scores]]:
    """Name, easy, medium, hard and average of the paper's rows that belong beside a report's, for one judge."""
    published = {info.name: info.published for info in report.judges}.get(judge)
    if published is None or why_not_comparable(report):
        return []
    wanted = [row.published or row.name for row in report.rows if row.published or row.network is None]
    names = dict.fromkeys([*wanted, "glyphsr"])
    return [(name, *PAPER[name, published]) for name in names if (name, published) in PAPER]
