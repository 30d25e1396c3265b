"""Report dataclasses as tables: Rich on a terminal, plain text when piped, Markdown on request."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glyphsr.text.controls import show_controls
from glyphsr_cli import console

if TYPE_CHECKING:
    from rich.console import Console

    from glyphsr.evaluation.calibration import Calibration
    from glyphsr.evaluation.report import EvaluationReport, SubsetScores
    from glyphsr.extraction.mask_comparison import MaskComparison
    from glyphsr.extraction.report import ExtractionReport
    from glyphsr.reproduction.report import Reproduction
    from glyphsr.training.report import TrainResult


@dataclass(frozen=True)
class Table:
    """Texts in rows; every column but the first is aligned to the right, unless the table is wide."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    wide: bool = False
    """Columns hold texts, which are aligned to the left and may wrap."""
    firm: int = 0
    """Of a wide table the first so many columns never wrap."""


def _percent(value: float) -> str:
    return f"{100 * value:.2f}" if math.isfinite(value) else "-"


def _number(value: float, digits: int) -> str:
    return f"{value:.{digits}f}" if math.isfinite(value) else "-"


def _with_interval(figures: "SubsetScores") -> str:
    if figures.interval is None or not math.isfinite(figures.interval[0]):
        return _percent(figures.weighted)
    low, high = figures.interval
    return f"{_percent(figures.weighted)} [{100 * low:.1f}, {100 * high:.1f}]"


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


def mask_table(found: "MaskComparison") -> Table:
    """Masks of each source against the exact ones."""
    names = ("line_iou", "char_iou", "char_iou_median", "char_iou_above_half", "empty")
    rows = []
    for score in found.scores:
        figures = score.figures()
        values = (figures[name] for name in names)
        cells = ("-" if value is None else f"{float(value):.3f}" for value in values)
        rows.append((score.source, str(figures["words"]), str(figures["characters"]), *cells))
    columns = ("", "words", "characters", "line IoU", "char IoU", "median", "above 0.5", "empty")
    return Table(f"Appendix A: masks against exact ones; {found.data}", columns, tuple(rows))


def as_latex(tables: Sequence[Table]) -> str:
    """Tables as LaTeX for booktabs."""
    from glyphsr.reproduction.report import latex_tabular

    return "\n".join(latex_tabular(table.title, table.columns, table.rows) for table in tables)


def reproduction_table(found: "Reproduction") -> Table:
    """Ours and the paper's rows in turn."""
    from glyphsr.reproduction.report import columns_of, rows_of

    remark = "" if found.comparable is None else "; not comparable with the paper's"
    title = (
        f"{found.table.replace('table', 'Table ')}: {found.title}. % of words, mean ± deviation; {found.data}{remark}"
    )
    return Table(title, columns_of(found), tuple(rows_of(found)))


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


def _published(values: Iterable[float | None], digits: int = 2) -> tuple[str, ...]:
    """Published figures; what is not known is a dash."""
    return tuple("-" if value is None else _number(value, digits) for value in values)


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
        found = {judge: {line.id: line for line in paper_rows(report, judge)} for judge in judges}
        for id_ in dict.fromkeys(id_ for lines in found.values() for id_ in lines):
            name = next(lines[id_].name for lines in found.values() if id_ in lines)
            blank = (None,) * (len(subsets) + 1)
            known = (found[judge][id_].scores if id_ in found[judge] else blank for judge in judges)
            rows.append((f"paper: {name}", *_published(value for scores in known for value in scores)))
    return Table("All judges, % of words read; averages weighted", columns, tuple(rows))


def _fidelity_table(report: "EvaluationReport", *, compare_paper: bool) -> Table:
    subsets = tuple(part.name for part in report.parts)
    columns = ("", *(f"PSNR {name}" for name in subsets), "PSNR", "per image", "SSIM")
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
            hashes = ", ".join(f"{name} {value[:12]}" for name, value in row.sha256.items())
            rows.append((row.name, f"{row.network}, strength {row.strength:g}, {hashes}"))

    for judge in report.judges:
        rows.append((judge.name, f"{judge.weights} {judge.sha256[:12]}" if judge.sha256 else judge.weights))

    rows += [("note", notice) for notice in report.notices]
    rows.append(("time", f"{report.seconds:.1f} s"))
    return Table("Basis", ("", ""), tuple(rows), wide=True)


def extraction_table(report: "ExtractionReport") -> Table:
    """What became of the words and characters of one set."""
    rows = [
        ("words", f"{report.words - sum(report.rejected.values())} with masks of {report.words}"),
        *((f"  {reason}", str(count)) for reason, count in report.rejected.items()),
        ("characters", f"{report.characters}, {report.empty} with an empty mask"),
        ("fallbacks", f"{report.affected} characters"),
        *((f"  {reason}", str(count)) for reason, count in report.fallbacks.items()),
        ("coverage", f"{100 * report.mean_coverage:.1f}% of the picture, mean of words"),
        ("quality", ", ".join(f"{name} {value:.2f}" for name, value in report.quality.items())),
        ("segmenter", _facts(report.segmenter)),
        ("localizer", _facts(report.localizer)),
        ("speed", _speed(report)),
    ]
    if report.preview:
        rows.append(("preview", report.preview))

    if not report.complete:
        rows.append(("missing", f"{report.missing_chunks} chunks; the last shard to end joins all"))
    return Table(f"Glyphs of {report.source}", ("", ""), tuple(rows), wide=True)


def _speed(report: "ExtractionReport") -> str:
    """What this run did, which may be nothing."""
    if not report.extracted:
        return "nothing was left to do"
    return f"{report.images_per_s:.3g} images/s, {report.extracted} in {report.seconds:.1f} s"


def training_table(result: "TrainResult") -> Table:
    """What a run came to."""
    now = result.progress
    rows = [("steps", f"{now.step}, {now.skipped} skipped, {_duration(result.seconds)} this time")]
    for name, score, step in (("best", now.best_score, now.best_step), ("last", now.score, now.step)):
        if score is not None and score.words:
            rows.append((name, f"step {step}: {score.describe()}"))
    rows += [("weights", str(result.best)), ("figures", str(result.folder / "metrics.jsonl"))]
    return Table(f"Training of {result.folder.name}", ("", ""), tuple(rows), wide=True)


def _duration(seconds: float) -> str:
    """Hours, minutes and seconds as far as there are any.

    Example:
        >>> _duration(3723.4), _duration(9.6)
        ('1 h 2 min', '10 s')
    """
    minutes, rest = divmod(round(seconds), 60)
    if not minutes:
        return f"{rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def _facts(facts: Mapping[str, Any]) -> str:
    name = str(facts["name"])
    rest = {key: value for key, value in facts.items() if key != "name"}
    if "sha256" in rest:
        rest["sha256"] = str(rest["sha256"])[:12]
    return ", ".join([name, *(f"{key} {value}" if key != "weights" else str(value) for key, value in rest.items())])


def _markdown_row(cells: Sequence[str]) -> str:
    escaped = (cell.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ") for cell in cells)
    return f"| {' | '.join(escaped)} |"


def as_markdown(tables: Iterable[Table]) -> str:
    """Tables in GitHub's Markdown."""
    parts = []
    for table in tables:
        align = ["---", *["---" if table.wide else "---:"] * (len(table.columns) - 1)]
        rows = [_markdown_row(row) for row in (table.columns, align, *table.rows)]
        parts.append("\n".join([f"**{table.title}**", "", *rows]))
    return "\n\n".join(parts) + "\n"


def as_plain(tables: Iterable[Table]) -> str:
    """Tables as aligned text, without frames, for pipes and logs."""
    parts = []
    for table in tables:
        cells = [table.columns, *table.rows]
        widths = [max(len(row[i]) for row in cells) for i in range(len(table.columns))]

        body = [_aligned(row, widths, wide=table.wide) for row in cells if any(row)]
        parts.append("\n".join([table.title, *body]))
    return "\n\n".join(parts) + "\n"


def _aligned(row: Sequence[str], widths: Sequence[int], *, wide: bool) -> str:
    cells = [
        cell.ljust(width) if i == 0 or wide else cell.rjust(width)
        for i, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
    return "  ".join(cells).rstrip()


def _width(table: Table) -> int:
    """Characters that the table takes on a terminal, with Rich's spaces between columns and at the edges."""
    cells = [table.columns, *table.rows]
    return sum(max(len(row[i]) for row in cells) + 3 for i in range(len(table.columns)))


def _turned(table: Table) -> Table:
    """Rows as columns, for terminals too narrow for the table as it is."""
    header, *rows = zip(table.columns, *table.rows, strict=True)
    return Table(table.title, header, tuple(rows))


def _fitting(table: Table, width: int) -> Table | None:
    """The table, or turned where only that fits; ``None`` where numbers would be broken over lines either way."""
    return next((form for form in (table, _turned(table)) if form.wide or _width(form) <= width), None)


def show(tables: Sequence[Table]) -> None:
    """Print on stdout: with Rich on a terminal, else as plain text."""
    _print(tables, console.out())


def show_on_stderr(tables: Sequence[Table]) -> None:
    """The same where stdout carries something else."""
    _print(tables, console.err())


def _shown(table: Table) -> Table:
    """The table with control characters of names and labels escaped."""
    rows = tuple(tuple(show_controls(cell) for cell in row) for row in table.rows)
    return replace(table, title=show_controls(table.title), columns=tuple(map(show_controls, table.columns)), rows=rows)


def _print(tables: Sequence[Table], out: "Console") -> None:
    tables = [_shown(table) for table in tables]
    if not out.is_terminal:
        out.file.write(as_plain(tables))
        return
    from rich import box
    from rich.table import Table as RichTable
    from rich.text import Text

    for given in tables:
        table = _fitting(given, out.width)
        if table is None:
            out.file.write(as_plain([given]) + "\n")
            continue
        header = any(table.columns)
        grid = RichTable(
            title=Text(table.title, style="bold"),
            title_justify="left",
            box=box.SIMPLE_HEAD if header else None,
            show_header=header,
            padding=(0, 1),
            pad_edge=False,
        )
        for i, column in enumerate(table.columns):
            text = i == 0 or table.wide
            grid.add_column(
                Text(column),
                justify="left" if text else "right",
                overflow="fold",
                no_wrap=i < table.firm or not table.wide,
            )
        for row in table.rows:
            grid.add_row(*(Text(cell) for cell in row))  # no markup: names contain brackets
        out.print(grid)
        out.print()
