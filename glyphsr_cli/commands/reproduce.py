"""``glyphsr reproduce``: one table of the paper by one command."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from glyphsr_cli import console
from glyphsr_cli.options import (
    OUTPUT,
    DeviceOpt,
    JsonOpt,
    OfflineOpt,
    PrecisionName,
    PrecisionOpt,
    QuietOpt,
    SetOpt,
    choices,
)

if TYPE_CHECKING:
    from glyphsr.reproduction.report import Reproduction

DATA, RUNS = "Data", "Runs"
INCOMPLETE = 3


class TableName(StrEnum):
    """The paper's tables."""

    table1 = "table1"
    table2 = "table2"
    table3 = "table3"
    table4 = "table4"
    appendix_a = "appendix-a"
    appendix_b = "appendix-b"


class FormName(StrEnum):
    """Forms of the result on stdout."""

    table = "table"
    json = "json"
    md = "md"
    latex = "latex"


def reproduce(
    table: Annotated[TableName, typer.Argument(metavar="TABLE", help="table1 to table4, appendix-a or appendix-b.")],
    train: Annotated[
        bool, typer.Option("--train", help="Train the runs that are missing.", rich_help_panel=RUNS)
    ] = False,
    seeds: Annotated[int, typer.Option(min=1, help="Runs of each row.", rich_help_panel=RUNS)] = 1,
    smoke: Annotated[
        bool,
        typer.Option(
            "--smoke", help="Two steps a run, four words a subset: shows that everything runs.", rich_help_panel=RUNS
        ),
    ] = False,
    out: Annotated[
        Path, typer.Option("--out", help="Folder of the runs, OUT/CONFIG/seed-N.", rich_help_panel=RUNS)
    ] = Path("runs/reproduce"),
    configs: Annotated[
        Path | None,
        typer.Option(help="The project's configs.", show_default="./configs", rich_help_panel=RUNS),
    ] = None,
    weights: Annotated[
        list[str] | None,
        typer.Option(
            "--weights",
            "-w",
            help="Further networks, NAME=FILE or NAME=RUN FOLDER; NAME may be a row's, such as tatt. Repeatable.",
            rich_help_panel=RUNS,
        ),
    ] = None,
    prior_weights: Annotated[
        list[str] | None, typer.Option(help="Priors of published networks. Repeatable.", rich_help_panel=RUNS)
    ] = None,
    recognizer: Annotated[
        list[str] | None,
        typer.Option(
            "--recognizer", "-R", help="Judge. Repeatable.", show_default="crnn; table1: crnn, moran and aster"
        ),
    ] = None,
    split: Annotated[
        list[str] | None,
        typer.Option(help="Subsets; commas or repeated.", show_default="easy,medium,hard", rich_help_panel=DATA),
    ] = None,
    data_root: Annotated[
        str | None, typer.Option(help="Folder of TextZoom; else $GLYPHSR_DATA.", rich_help_panel=DATA)
    ] = None,
    lmdb: Annotated[
        str, typer.Option(help="For appendix-a: a set with exact masks beside it.", rich_help_panel=DATA)
    ] = "train",
    limit: Annotated[
        int | None, typer.Option(min=1, help="Score only the first N words of each subset.", rich_help_panel=DATA)
    ] = None,
    sam_checkpoint: Annotated[
        str | None, typer.Option(help="For appendix-a: published SAM file, or a name.", rich_help_panel=DATA)
    ] = None,
    format_: Annotated[
        FormName,
        typer.Option("--format", "-f", metavar=choices(FormName), help="Form of the result.", rich_help_panel=OUTPUT),
    ] = FormName.table,
    device: DeviceOpt = None,
    precision: PrecisionOpt = None,
    workers: Annotated[
        int | None, typer.Option(min=0, help="Processes that make batches.", rich_help_panel=RUNS)
    ] = None,
    offline: OfflineOpt = False,
    sets: SetOpt = None,
    json_: JsonOpt = False,
    quiet: QuietOpt = False,
) -> None:
    """Put a table of the paper beside what comes out here.

    Finds the runs of its rows, trains those that are missing with --train, scores them and prints mean and deviation
    over seeds. The same command again continues where the last one stopped; torchrun spreads training over many GPUs.
    --set changes every row's configuration, for example its size. appendix-a compares K-means, ink and SAM masks with
    exact ones.

    Examples: glyphsr reproduce table2 --data-root /data/TextZoom; glyphsr reproduce table3 --train --seeds 3.
    """
    console.limit_kernel_cache()
    # Appendix A compares masks, and trains and scores nothing.
    if table is TableName.appendix_a:
        chosen = {
            "data_root": data_root,
            "sam_checkpoint": sam_checkpoint,
            "offline": offline,
            "device": device or "auto",
        }
        _appendix_a(lmdb, FormName.json if json_ else format_, limit=limit or (8 if smoke else None), **chosen)
        return
    from glyphsr.reproduction.reproduce import reproduce as run

    # Under a launcher all processes train, one speaks and scores.
    first = console.is_first_process()
    subsets = [part for value in split or ("easy,medium,hard",) for part in value.split(",") if part]
    result = run(
        table.value,
        out=out,
        train=train,
        seeds=seeds,
        smoke=smoke,
        sets=sets or (),
        configs=configs,
        recognizer=recognizer or (),
        weights=weights or (),
        prior_weights=prior_weights or (),
        split=subsets,
        data_root=data_root,
        limit=limit,
        device=device or "auto",
        precision=(precision or PrecisionName.auto).value,
        workers=1 if workers is None else workers,
        offline=offline,
        is_main=first,
        notify=None if quiet or not first else console.say,
    )
    if result is None:
        return
    _show(result, FormName.json if json_ else format_, quiet=quiet)
    if not result.is_complete and train:
        raise typer.Exit(INCOMPLETE)


def _appendix_a(lmdb: str, form: FormName, **settings: Any) -> None:
    from glyphsr.extraction.mask_comparison import compare_masks
    from glyphsr_cli import run_tables, tables

    found = compare_masks(lmdb, notify=lambda text: console.say(f"note: {text}"), **settings)
    shown = [run_tables.mask_table(found)]
    if form is FormName.json:
        console.echo(console.as_json(found.as_dict()))
    elif form in (FormName.md, FormName.latex):
        console.echo(tables.as_markdown(shown) if form is FormName.md else tables.as_latex(shown))
    else:
        tables.show(shown)


def _show(found: "Reproduction", form: FormName, *, quiet: bool) -> None:
    from glyphsr.reproduction.report import as_latex
    from glyphsr_cli import run_tables, tables

    if not quiet:
        for notice in found.notices:
            console.say(f"note: {notice}")
        if found.comparable is not None:
            console.say(f"note: ours and the paper's numbers are not comparable: {found.comparable}")
        for line in found.lines:
            for reason in line.missing:
                console.say(f"missing: {line.label}: {reason}")
    if form is FormName.json:
        console.echo(console.as_json(found.as_dict()))
    elif form is FormName.latex:
        console.echo(as_latex(found))
    elif form is FormName.md:
        console.echo(tables.as_markdown([run_tables.reproduction_table(found)]))
    else:
        tables.show([run_tables.reproduction_table(found)])
