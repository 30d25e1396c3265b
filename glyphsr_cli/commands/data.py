"""``glyphsr data``: make, take apart, look at and check data sets."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from glyphsr_cli import console
from glyphsr_cli.options import JsonOpt, ProgressOpt, QuietOpt, choices

if TYPE_CHECKING:
    from glyphsr.dataset_tools.build import MakeResult

data_app = typer.Typer(help="Make, export, inspect and verify TextZoom LMDBs.", no_args_is_help=True)

SOME_FAILED, GATE_FAILED = 3, 5
SHOWN_PROBLEMS = 20


class LabelFormatName(StrEnum):
    """Forms of label files."""

    paddleocr = "paddleocr"
    mmocr = "mmocr"
    doctr = "doctr"
    csv = "csv"
    icdar = "icdar"
    spaces = "spaces"
    annotations = "annotations"
    filename = "filename"


LmdbArg = Annotated[str, typer.Argument(metavar="LMDB", help="Folder of the LMDB, or a name under the data root.")]
OverwriteOpt = Annotated[bool, typer.Option("--overwrite", help="Replace what exists.")]
DataRootOpt = Annotated[str | None, typer.Option(help="Folder of TextZoom, for names; else $GLYPHSR_DATA.")]


@data_app.command("make")
def make(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the new LMDB.")],
    images: Annotated[
        Path | None,
        typer.Argument(metavar="IMAGES", help="Folder of HR pictures, or one with hr/ and lr/ folders in it."),
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(
            help="Label file; without one labels.txt|jsonl|json|csv in the folder, else the file names.",
        ),
    ] = None,
    form: Annotated[
        LabelFormatName | None,
        typer.Option(
            "--format",
            "-f",
            metavar=choices(LabelFormatName),
            help="Form of the labels: paddleocr (path<TAB>text), mmocr (JSON lines, or the document of 1.x), doctr "
            '(JSON), csv, icdar (path, "text"), spaces (path text), annotations (JSON list), filename.',
            show_default="from the file",
        ),
    ] = None,
    hr: Annotated[Path | None, typer.Option(help="Folder of HR pictures, instead of IMAGES.")] = None,
    lr: Annotated[
        Path | None, typer.Option(help="Folder of LR pictures of the same names.", show_default="LR is degraded HR")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the degradation, where there is no LR side.")] = 0,
    overwrite: OverwriteOpt = False,
    json_: JsonOpt = False,
    progress: ProgressOpt = None,
    quiet: QuietOpt = False,
) -> None:
    """Make a TextZoom LMDB of pictures and labels.

    Picture files go in byte by byte. The folder gets its name when it is complete; the same command continues where an
    interrupted one stopped.

    Examples: glyphsr data make words -o pairs; glyphsr data make crops --labels gt.txt -o pairs;
    glyphsr data make --hr sharp --lr blurred --labels labels.csv -o pairs.
    """
    from glyphsr.dataset_tools.build import make as build

    with console.progress_bar(enabled=False if quiet else progress) as bar:
        task = bar.add_task("making", total=None)
        result = build(
            images,
            out,
            labels=labels,
            form=form.value if form else None,
            hr=hr,
            lr=lr,
            seed=seed,
            overwrite=overwrite,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    _finish(result, "data make", as_json=json_, quiet=quiet)


@data_app.command("export")
def export(
    lmdb: LmdbArg,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for hr/, lr/ and the label file.")],
    form: Annotated[
        LabelFormatName,
        typer.Option("--format", "-f", metavar=choices(LabelFormatName), help="Form of the label file."),
    ] = LabelFormatName.paddleocr,
    data_root: DataRootOpt = None,
    overwrite: OverwriteOpt = False,
    json_: JsonOpt = False,
    progress: ProgressOpt = None,
    quiet: QuietOpt = False,
) -> None:
    """Write an LMDB's pictures byte by byte into folders, and its texts into a label file.

    Examples: glyphsr data export easy -o words; glyphsr data export /data/mylmdb -o words --format csv.
    """
    from glyphsr.dataset_tools.export import export as take_apart

    source = _one(lmdb, data_root, quiet=quiet)
    with console.progress_bar(enabled=False if quiet else progress) as bar:
        task = bar.add_task("exporting", total=None)
        result = take_apart(
            source,
            out,
            form=form.value,
            overwrite=overwrite,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    _finish(result, "data export", as_json=json_, quiet=quiet)


def _one(name: str, data_root: str | None, *, quiet: bool = False) -> Path:
    """The one LMDB that a path or name stands for."""
    from glyphsr.data.sources import SAMPLE_NOTICE, find_lmdb, uses_sample_set
    from glyphsr.errors import ConfigError

    found = find_lmdb(name, data_root)
    if len(found) > 1:
        raise ConfigError(f"{name}: stands for {' and '.join(path.name for path in found)}; name one of them")
    if uses_sample_set([name], data_root) and not quiet:
        console.say(f"note: {SAMPLE_NOTICE}")
    return found[0]


def _finish(result: "MakeResult", command: str, *, as_json: bool, quiet: bool) -> None:
    for item in result.bad[:SHOWN_PROBLEMS]:
        console.say(f"error: {item.problem}")

    if len(result.bad) > SHOWN_PROBLEMS:
        console.say(f"error: {len(result.bad) - SHOWN_PROBLEMS} more like these; --json lists them all")

    if result.resumed_at and not quiet:
        console.say(f"note: continued after {result.resumed_at} samples of an interrupted run")

    if as_json:
        bad = [{"id": item.id, "problem": item.problem} for item in result.bad]
        document = {"schema_version": 1, "command": command, "path": str(result.path), "samples": result.samples}
        console.echo(console.as_json(document | {"bad": bad, "unused": result.unused}))
    else:
        console.echo_path(result.path)

    if result.notice and not quiet:
        console.say(f"note: {result.notice}; --labels FILE gives them, --format filename says that they are right")

    if result.unused and not quiet:
        console.say(f"note: {result.unused} pictures were not looked at: HR without a label, or LR without its HR")

    if not quiet:
        console.say(f"{result.samples} samples, {len(result.bad)} left out")

    if result.bad:
        raise typer.Exit(SOME_FAILED)


@data_app.command("verify")
def verify(
    lmdbs: Annotated[list[str], typer.Argument(metavar="LMDB", help="Folders, or names under the data root.")],
    data_root: DataRootOpt = None,
    json_: JsonOpt = False,
    progress: ProgressOpt = None,
    quiet: QuietOpt = False,
) -> None:
    """Read every sample and name every broken one; exit with 5 if there are any.

    Examples: glyphsr data verify train easy medium hard; glyphsr data verify /data/mylmdb --json.
    """
    from glyphsr.data.sources import SAMPLE_NOTICE, find_lmdb, uses_sample_set
    from glyphsr.dataset_tools.inspection import verify as check
    from glyphsr.errors import DataError

    if uses_sample_set(lmdbs, data_root) and not quiet:
        console.say(f"note: {SAMPLE_NOTICE}")
    rows: list[dict[str, object]] = []
    errors: list[DataError] = []

    def unreadable(name: str, error: DataError) -> None:
        errors.append(error)
        console.say(f"error: {error}")
        rows.append({"path": name, "samples": 0, "bad": [{"id": name, "problem": str(error)}]})

    # A set that cannot be found or opened does not keep the others from being checked.
    paths: list[Path] = []
    for name in lmdbs:
        try:
            paths += find_lmdb(name, data_root)
        except DataError as error:
            unreadable(name, error)
    for path in paths:
        with console.progress_bar(enabled=False if quiet else progress) as bar:
            task = bar.add_task(path.name, total=None)

            def show(done: int, total: int) -> None:
                bar.update(task, completed=done, total=total)  # noqa: B023 - called before the next turn

            try:
                total, bad = check(path, progress=show)
            except DataError as error:
                unreadable(str(path), error)
                continue
        for item in bad:
            console.say(f"error: {item.id}: {item.problem}")

        problems = [{"id": item.id, "problem": item.problem} for item in bad]
        rows.append({"path": str(path), "samples": total, "bad": problems})
        if not json_:
            broken = len({item.id for item in bad})
            console.echo_path(f"{'BAD' if bad else 'ok '} {path}: {total} samples, {broken} broken")
    if json_:
        document = {"schema_version": 1, "command": "data verify", "sets": rows}
        console.echo(console.as_json(document))
    # Nothing could be looked at, or something is broken: two exit codes.
    if errors and len(errors) == len(rows):
        raise typer.Exit(errors[0].exit_code)
    if any(row["bad"] for row in rows):
        raise typer.Exit(GATE_FAILED)
