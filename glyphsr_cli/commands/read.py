"""``glyphsr read``: what pictures say, before and after they are upscaled."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from glyphsr_cli import console
from glyphsr_cli.config_options import settings_command
from glyphsr_cli.options import OUTPUT, JsonOpt, ProgressOpt, QuietOpt, choices

if TYPE_CHECKING:
    from glyphsr.config.read import ReadConfig
    from glyphsr.upscaling.read_formats import FileReading

ALL_FAILED, SOME_FAILED, MISSING = 1, 3, 4


class TextFormName(StrEnum):
    """Forms of the result."""

    text = "text"
    json = "json"
    jsonl = "jsonl"
    hocr = "hocr"
    alto = "alto"


@settings_command("glyphsr.config.read:ReadConfig")
def read(
    settings: "ReadConfig",
    inputs: Annotated[
        list[str] | None, typer.Argument(metavar="INPUT", help="Files, folders, globs, or - for stdin.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="A .txt, .json, .jsonl, .hocr or .xml (ALTO) file for all, or a folder for one file each.",
            show_default="stdout",
        ),
    ] = None,
    form: Annotated[
        TextFormName | None,
        typer.Option(
            "--format",
            "-f",
            metavar=choices(TextFormName),
            help="text, json and jsonl with the text before and after, hocr and alto with a box for each word.",
            show_default="by the ending of --out, else text",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    json_: JsonOpt = False,
    progress: ProgressOpt = None,
    quiet: QuietOpt = False,
) -> None:
    """Read the text of pictures, before and after they are made more readable.

    The text of a line is that of the upscaled line, unless a surely read text became another one. Lines that the
    network changed are reported on stderr.

    Examples: glyphsr read sign.jpg; glyphsr read scans -r -o texts; glyphsr read page.png --format hocr -o page.hocr
    """
    if not inputs:
        raise typer.BadParameter("expected at least one file, folder, glob or -", param_hint="INPUT")
    console.limit_kernel_cache()
    from glyphsr.upscaling.read_files import run_reading
    from glyphsr.upscaling.read_formats import TextForm, render_readings

    # `--json` is short for one of the forms.
    chosen: TextForm | None = "json" if json_ else form.value if form else None
    if chosen == "alto" and out is None and len(inputs) > 1:
        raise typer.BadParameter("one file holds one picture; give -o FOLDER", param_hint="--format alto")
    with console.progress_bar(enabled=False if quiet else progress) as bar:
        task = bar.add_task("reading", total=None)

        def show(reading: "FileReading") -> None:
            bar.advance(task)
            for message in _messages(reading, quiet=quiet):
                console.say(message, bar.console)

        readings = run_reading(
            settings, inputs, out, form=chosen, progress=show, started=lambda total: bar.update(task, total=total)
        )

    if out is None:
        console.echo(render_readings(readings, chosen or "text"))
    else:
        console.echo_path(out)
    # Of several failures the exit code tells whether anything was read.
    failed = [reading for reading in readings if reading.found is None]
    if failed and len(failed) == len(readings):
        raise typer.Exit(MISSING if all(reading.is_missing for reading in failed) else ALL_FAILED)
    if failed:
        raise typer.Exit(SOME_FAILED)


def _messages(reading: "FileReading", *, quiet: bool) -> list[str]:
    """Failures always, what changed unless quiet."""
    if reading.error is not None:
        return [f"error: {reading.error}"]
    if quiet or reading.found is None:
        return []
    # Only where the network changed a text is there anything to look at.
    messages = []
    for number, line in enumerate(reading.found.lines, 1):
        if line.is_after_used and line.after.text != line.before.text:
            messages.append(
                f"note: {reading.name}: line {number}: {line.before.text!r} before, {line.after.text!r} after"
            )
    return messages
