"""What ``eval`` found, as tables: reading, fidelity, comparisons, and what every number stands on."""

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from glyphsr_cli.tables import Table

if TYPE_CHECKING:
    from glyphsr.evaluation.calibration import Calibration
    from glyphsr.evaluation.report import EvaluationReport, SubsetScores


def evaluation_tables(report: "EvaluationReport", *, compare_paper: bool = False, verbose: bool = False) -> list[Table]:
    """Reading by each judge, fidelity, paired comparisons, and what they stand on."""
    tables = [_reading_table(report, judge.name, compare_paper=compare_paper) for judge in report.judges]
    if len(report.judges) > 1:
        tables.insert(0, side_by_side_table(report, compare_paper=compare_paper))
    if report.fidelity:
        tables.append(_fidelity_table(report, compare_paper=compare_paper))
    if report.comparisons:
        tables.append(_comparison_table(report))
    if verbose:
        tables.append(_speed_table(report))
    tables.append(_basis_table(report))
    return tables


def calibration_table(results: "Sequence[Calibration]") -> Table:
    """What judges read of untouched TextZoom, beside the published figures."""
    rows = []
    for found in results:
        for side, values in found.figures.items():
            rows.append((f"{found.judge}, {side.upper()}", *_published(values), *_published(found.published[side])))
    columns = ("", "easy", "medium", "hard", "published easy", "medium", "hard")
    return Table("Calibration, % of words read", columns, tuple(rows))


def side_by_side_table(report: "EvaluationReport", *, compare_paper: bool) -> Table:
    """All judges in one table, as the paper prints its Table 1."""
    from glyphsr.evaluation.paper_results import paper_rows

    subsets = tuple(part.name for part in report.parts)
    judges = [judge.name for judge in report.judges]
    columns = ("", *(f"{judge} {name}" for judge in judges for name in (*subsets, "all")))
    rows = []
    for row in report.rows:
        scores = [report.score(row.name, judge).accuracy for judge in judges]
        cells = (_percent(value) for figures in scores for value in (*figures.parts, figures.weighted))
        rows.append((row.name, *cells))
    if compare_paper:
        # The paper's rows by judge; not every judge has every row.
        found = {judge: {line.id: line for line in paper_rows(report, judge)} for judge in judges}
        for id_ in dict.fromkeys(id_ for lines in found.values() for id_ in lines):
            name = next(lines[id_].name for lines in found.values() if id_ in lines)
            blank = (None,) * (len(subsets) + 1)
            known = (found[judge][id_].scores if id_ in found[judge] else blank for judge in judges)
            rows.append((f"paper: {name}", *_published(value for scores in known for value in scores)))
    return Table("All judges, % of words read; averages weighted", columns, tuple(rows))


def _reading_table(report: "EvaluationReport", judge: str, *, compare_paper: bool) -> Table:
    from glyphsr.evaluation.paper_results import paper_rows

    subsets = tuple(part.name for part in report.parts)
    columns = ("", *subsets, "weighted", "plain", "CER", "1-NED")
    rows = []
    for row in report.rows:
        score = report.score(row.name, judge)
        parts = tuple(_percent(value) for value in score.accuracy.parts)
        averages = (_with_interval(score.accuracy), _percent(score.accuracy.plain))
        rows.append((row.name, *parts, *averages, _percent(score.cer.weighted), _number(score.similarity.weighted, 3)))
    if compare_paper:
        for line in paper_rows(report, judge):
            rows.append((f"paper: {line.name}", *_published(line.scores), "-", "-", "-"))
    return Table(f"{judge} reads, % of words", columns, tuple(rows))


def _fidelity_table(report: "EvaluationReport", *, compare_paper: bool) -> Table:
    subsets = tuple(part.name for part in report.parts)
    columns = ("", *(f"PSNR {name}" for name in subsets), "PSNR", "PSNR per image", "SSIM")
    rows = tuple(
        (
            score.row,
            *(_number(value, 2) for value in score.psnr_db.parts),
            _number(score.psnr_db.weighted, 2),
            _number(score.psnr_per_image_db.weighted, 2),
            _number(score.ssim.weighted, 4),
        )
        for score in report.fidelity
        if score.row != "hr"  # is the truth itself
    )
    if compare_paper:
        from glyphsr.evaluation.paper_results import paper_fidelity

        blank = ("-",) * len(subsets)
        rows += tuple(
            (f"paper: {row.name}", *blank, *_published([row.psnr_db]), "-", *_published([row.ssim], 4))
            for row in paper_fidelity(report)
        )
    how = "batches of 48, nothing clipped" if report.protocol == "paper" else "each image at 8 bit"
    return Table(f"Fidelity, dB and SSIM of {how}; averages weighted", columns, rows)


def _comparison_table(report: "EvaluationReport") -> Table:
    rows = tuple(
        (
            f"{item.second} against {item.first}",
            item.judge,
            str(item.only_second),
            str(item.only_first),
            f"{item.p_value:.3g}",
        )
        for item in report.comparisons
    )
    columns = ("", "judge", "only the former right", "only the latter right", "p")
    return Table("Paired (McNemar, exact)", columns, rows)


def _speed_table(report: "EvaluationReport") -> Table:
    judges = tuple(judge.name for judge in report.judges)
    # The LR side is not made, so it has no fidelity and no speed.
    making = {score.row: score.images_per_s for score in report.fidelity}
    rows = tuple(
        (
            row.name,
            _number(making.get(row.name, math.nan), 1),
            *(_number(report.score(row.name, judge).images_per_s, 1) for judge in judges),
        )
        for row in report.rows
    )
    return Table("Images per second", ("", "made", *(f"read by {judge}" for judge in judges)), rows)


def _basis_table(report: "EvaluationReport") -> Table:
    """What every number stands on: protocol, averaging, samples, weights and their hashes."""
    samples = ", ".join(f"{part.name} {part.images}" for part in report.parts)
    places = dict.fromkeys(str(Path(path).parent) for part in report.parts for path in part.paths)

    rows = [
        ("protocol", report.protocol),
        ("averaging", "weighted: over all samples; plain: over subsets"),
        ("samples", samples),
        ("from", ", ".join(places)),
    ]
    for row in report.rows:
        if row.network:
            # Beginnings of hashes: enough to tell files apart.
            hashes = ", ".join(f"{name} {value[:12]}" for name, value in row.sha256.items())
            rows.append((row.name, f"{row.network}, strength {row.strength:g}, {hashes}"))

    for judge in report.judges:
        rows.append((judge.name, f"{judge.weights} {judge.sha256[:12]}" if judge.sha256 else judge.weights))

    rows += [("note", notice) for notice in report.notices]
    rows.append(("time", f"{report.seconds:.1f} s"))
    return Table("Basis", ("", ""), tuple(rows), wide=True)


def _with_interval(figures: "SubsetScores") -> str:
    if figures.interval is None or not math.isfinite(figures.interval[0]):
        return _percent(figures.weighted)
    low, high = figures.interval
    return f"{_percent(figures.weighted)} [{100 * low:.1f}, {100 * high:.1f}]"


def _published(values: Iterable[float | None], digits: int = 2) -> tuple[str, ...]:
    """Published figures; what is not known is a dash."""
    return tuple("-" if value is None else _number(value, digits) for value in values)


def _percent(value: float) -> str:
    return f"{100 * value:.2f}" if math.isfinite(value) else "-"


def _number(value: float, digits: int) -> str:
    return f"{value:.{digits}f}" if math.isfinite(value) else "-"
