"""``glyphsr eval``: score networks and baselines by judges that read."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from glyphsr_cli import console
from glyphsr_cli.config_options import settings_command
from glyphsr_cli.options import OUTPUT, JsonOpt, ProgressOpt, QuietOpt, VerboseOpt, choices

if TYPE_CHECKING:
    from glyphsr.config.evaluation import EvalConfig
    from glyphsr.evaluation.report import EvaluationReport

GATE_FAILED = 5
SHOWN_PROBLEMS = 20


class ReportFormat(StrEnum):
    """Forms of the result on stdout."""

    table = "table"
    json = "json"
    csv = "csv"
    md = "md"


@settings_command("glyphsr.config.evaluation:EvalConfig")
def eval_(
    settings: "EvalConfig",
    compare_paper: Annotated[
        bool,
        typer.Option(
            "--compare-paper",
            help="Print the paper's rows too (tables and JSON), if data, protocol and judges are the paper's.",
        ),
    ] = False,
    calibrate: Annotated[
        bool,
        typer.Option(
            "--calibrate",
            help="Prove judges: let them read TextZoom's LR and HR sides; exit with 5 if one is off the published "
            "figures by more than half a point.",
        ),
    ] = False,
    fail_under: Annotated[
        float | None,
        typer.Option(
            help="Exit with 5 if a network's weighted average, in percent, is lower with any judge; without network, "
            "that of the other rows but HR."
        ),
    ] = None,
    format_: Annotated[
        ReportFormat,
        typer.Option(
            "--format", "-f", metavar=choices(ReportFormat), help="Form of the result.", rich_help_panel=OUTPUT
        ),
    ] = ReportFormat.table,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Write the result to a .json, .csv or .md file too.", rich_help_panel=OUTPUT),
    ] = None,
    per_image: Annotated[
        Path | None,
        typer.Option(help="Write every picture's readings to this .jsonl file.", rich_help_panel=OUTPUT),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace files that exist.", rich_help_panel=OUTPUT)
    ] = False,
    json_: JsonOpt = False,
    progress: ProgressOpt = None,
    verbose: VerboseOpt = False,
    quiet: QuietOpt = False,
) -> None:
    """Score networks and baselines on TextZoom or a set of your own.

    Accuracy is the fraction of words that a judge reads exactly (lower-cased letters and digits); averages are over
    all samples first, over subsets second. Untouched bicubic and HR pictures give floor and ceiling. JSON and CSV hold
    fractions, tables percent.

    Examples: glyphsr eval; glyphsr eval -R aster --split hard --limit 100; glyphsr eval -w runs/try --per-image
    images.jsonl; glyphsr eval --json --fail-under 5.
    """
    if out is not None:
        _check_out(out, overwrite=overwrite)
    console.limit_kernel_cache()

    if calibrate:
        _calibrate(settings.model_dump(), json_=json_, progress=False if quiet else progress)
        return
    from glyphsr.evaluation.evaluator import run_evaluation

    with console.progress_bar(enabled=False if quiet else progress) as bar:
        task = bar.add_task("scoring", total=None)
        report = run_evaluation(
            settings,
            per_image=per_image,
            overwrite=overwrite,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    # Messages first, the result next, then what fails a pipeline.
    _speak(report, quiet=quiet)
    _show(report, ReportFormat.json if json_ else format_, out, compare_paper=compare_paper, verbose=verbose)
    if compare_paper and not quiet:
        _say_why_not_compared(report)
    if fail_under is not None and _gate_fails(report, fail_under):
        raise typer.Exit(GATE_FAILED)
    if report.exit_code:
        raise typer.Exit(report.exit_code)


def _calibrate(settings: dict[str, Any], *, json_: bool, progress: bool | None) -> None:
    from dataclasses import asdict

    from glyphsr.evaluation.calibration import calibrate
    from glyphsr_cli import evaluation_tables, tables

    with console.progress_bar(enabled=progress) as bar:
        task = bar.add_task("reading", total=None)
        results = calibrate(
            progress=lambda done, total: bar.update(task, completed=done, total=total),
            **settings,
        )
    if json_:
        document = {"schema_version": 1, "command": "eval --calibrate"}
        console.echo(console.as_json(document | {"judges": [asdict(x) | {"passed": x.passed} for x in results]}))
    else:
        tables.show([evaluation_tables.calibration_table(results)])

    for found in results:
        how = "is the published judge" if found.passed else "is not the published judge"
        console.say(f"{found.judge}: off by at most {found.deviation:.2f} points: {how}")
    if not all(found.passed for found in results):
        raise typer.Exit(GATE_FAILED)


def _check_out(out: Path, *, overwrite: bool) -> None:
    from glyphsr.errors import ConfigError
    from glyphsr.system.atomic_files import check_writable

    if out.suffix.lower() not in (".json", ".csv", ".md"):
        raise ConfigError(f"--out {out}: expected a name ending in .json, .csv or .md")
    if not out.parent.is_dir():
        raise ConfigError(f"--out {out}: the folder {out.parent} does not exist")
    if out.exists() and not overwrite:
        raise ConfigError(f"--out {out}: exists already; --overwrite replaces it")
    check_writable(out, "--out")


def _speak(report: "EvaluationReport", *, quiet: bool) -> None:
    """Problems always, notices unless quiet."""
    for problem in report.problems[:SHOWN_PROBLEMS]:
        console.say(f"error: {problem.id}: {problem.message}")
    if not sum(report.counts):
        console.say("error: nothing could be scored")
    hidden = len(report.problems) - SHOWN_PROBLEMS

    if hidden > 0:
        console.say(f"error: {hidden} more samples like these; --json lists them all")
    if not quiet:
        for notice in report.notices:
            console.say(f"note: {notice}")


def _render(report: "EvaluationReport", form: ReportFormat, *, compare_paper: bool) -> str:
    from glyphsr.evaluation.report import as_csv
    from glyphsr_cli import evaluation_tables, tables

    if form is ReportFormat.json:
        return console.as_json(report.as_dict() | (_paper(report) if compare_paper else {}))

    if form is ReportFormat.csv:
        return as_csv(report)
    return tables.as_markdown(evaluation_tables.evaluation_tables(report, compare_paper=compare_paper))


def _show(
    report: "EvaluationReport", form: ReportFormat, out: Path | None, *, compare_paper: bool, verbose: bool
) -> None:
    from glyphsr.system.atomic_files import write_bytes
    from glyphsr_cli import evaluation_tables, tables

    if form is ReportFormat.table:
        tables.show(evaluation_tables.evaluation_tables(report, compare_paper=compare_paper, verbose=verbose))
    else:
        console.echo(_render(report, form, compare_paper=compare_paper))
    if out is not None:  # last, since a disk may be full
        written = _render(report, ReportFormat(out.suffix.lower()[1:]), compare_paper=compare_paper)
        write_bytes(out, written.encode("utf-8", "backslashreplace"))


def _paper(report: "EvaluationReport") -> dict[str, object]:
    """The paper's rows for the JSON document, in percent."""
    from glyphsr.evaluation.paper_results import paper_rows

    names = ("row", *(part.name for part in report.parts), "weighted")
    rows = {
        judge.name: [
            dict(zip(names, (line.name, *line.scores), strict=True)) for line in paper_rows(report, judge.name)
        ]
        for judge in report.judges
    }
    return {"paper": rows}


def _say_why_not_compared(report: "EvaluationReport") -> None:
    from glyphsr.evaluation.paper_results import why_not_comparable

    reason = why_not_comparable(report)
    if reason is not None:
        console.say(f"note: {reason}, so the paper's numbers are left out")


def _gate_fails(report: "EvaluationReport", percent: float) -> bool:
    # HR is the ceiling, which no gate is meant for.
    networks = [row.name for row in report.rows if row.network] or [row.name for row in report.rows if row.name != "hr"]
    failed = False
    for score in report.reading:
        reached = 100 * score.accuracy.weighted
        # "Not at least", so that NaN fails, too.
        if score.row in networks and not reached >= percent:
            console.say(f"gate: {score.row} reaches {reached:.2f}% with {score.judge}, under {percent:g}%")
            failed = True
    return failed
