"""``glyphsr upscale``: pictures of text in, more readable ones out."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from glyphsr_cli import console
from glyphsr_cli.config_options import settings_command
from glyphsr_cli.options import OUTPUT, JsonOpt, Print0Opt, ProgressOpt, QuietOpt, SeedOpt, ShardOpt, VerboseOpt

if TYPE_CHECKING:
    from glyphsr.config.upscale import UpscaleConfig
    from glyphsr.upscaling.report import PictureReport, UpscaleRun

WITH_ISSUE = ("warned", "reverted")
"""What the guard did where there is something to tell; the rest is for the report."""

SIZES = (frozenset({"scale"}), frozenset({"width", "height"}))
"""Two ways to say how large the result is."""


@settings_command("glyphsr.config.upscale:UpscaleConfig", exclusive=SIZES)
def upscale(
    settings: "UpscaleConfig",
    inputs: Annotated[
        list[str] | None, typer.Argument(metavar="INPUT...", help="Files, folders, globs, or - for stdin.")
    ] = None,
    out: Annotated[
        str | None,
        typer.Option("--out", "-o", help="File, folder, or - for stdout. Default: <name>_x2.png beside each input."),
    ] = None,
    more_inputs: Annotated[
        list[str] | None, typer.Option("--input", "-i", help="The same as INPUT; repeatable.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="Write what was done to a .json, .jsonl or .csv file.", rich_help_panel=OUTPUT)
    ] = None,
    shard: ShardOpt = None,
    seed: SeedOpt = None,
    json_: JsonOpt = False,
    print0: Print0Opt = False,
    progress: ProgressOpt = None,
    verbose: VerboseOpt = False,
    quiet: QuietOpt = False,
) -> None:
    """Make pictures of text larger and more readable.

    Each picture is one line of text, of any size and aspect, or a page in which lines are found. Nothing is
    overwritten unless asked; a folder run that was interrupted continues where it stopped. Nothing is drawn at
    random, so --seed changes nothing here.
    """
    del seed  # part of every command's interface
    sources = [*(inputs or []), *(more_inputs or [])]
    if not sources:
        raise typer.BadParameter("expected at least one file, folder, glob or -", param_hint="INPUT")

    to_stdout = out == "-" or (sources == ["-"] and out is None)
    if json_ and to_stdout:
        raise typer.BadParameter("stdout carries the picture; use --report FILE", param_hint="--json")

    console.limit_kernel_cache()
    from glyphsr.upscaling.files import run_files  # torch loads here, so --help stays instant

    with console.progress_bar(enabled=False if quiet else progress) as bar:
        task = bar.add_task("upscaling", total=None)

        def show(picture: "PictureReport") -> None:
            if picture.status != "skipped":
                bar.advance(task)
            for message in _messages(picture, verbose=verbose, quiet=quiet):
                console.say(message, bar.console)

        run = run_files(
            settings,
            sources,
            out,
            report=report,
            shard=shard,
            progress=show,
            started=lambda total: bar.update(task, total=total),
        )

    _summarise(run, as_json=json_, quiet=quiet, to_stdout=to_stdout, print0=print0)
    if run.problem:
        console.say(f"error: {run.problem}")
    if run.exit_code:
        raise typer.Exit(run.exit_code)


def _messages(picture: "PictureReport", *, verbose: bool, quiet: bool) -> list[str]:
    """Failures always, notes unless quiet, the prior's reading when asked to say more."""
    messages = [f"error: {picture.error}"] if picture.error else []
    if picture.guard_reason and not quiet and picture.guard in WITH_ISSUE:
        done = "; left as it was" if picture.guard == "reverted" else ""
        messages.append(f"warning: {picture.input}: {picture.guard_reader} {picture.guard_reason}{done}")
    for region in picture.regions or ():
        if region.guard_reason and not quiet and region.guard in WITH_ISSUE:
            x, y = region.box[0]
            done = "; left as it was" if region.guard == "reverted" else ""
            messages.append(
                f"warning: {picture.input}: line at {x:.0f}, {y:.0f}: {region.guard_reader} {region.guard_reason}{done}"
            )
    if picture.note and not quiet:
        messages.append(f"note: {picture.input}: {picture.note}")
    if verbose and picture.prior_text is not None:
        messages.append(f"{picture.input}: prior reads {picture.prior_text!r} ({picture.prior_confidence:.2f})")
    return messages


def _summarise(run: "UpscaleRun", *, as_json: bool, quiet: bool, to_stdout: bool, print0: bool) -> None:
    if as_json:
        typer.echo(json.dumps(run.as_dict(), indent=2))
    elif not to_stdout:
        for picture in run.pictures:
            if picture.status == "done":
                console.echo_path(picture.output or "", print0=print0)
    if len(run.pictures) > 1 and not quiet:
        unchanged = run.count("done") - run.improved
        counts = [f"{run.improved} improved"] + ([f"{unchanged} only enlarged"] if unchanged else [])
        counts += [f"{run.count(status)} {status}" for status in ("skipped", "failed") if run.count(status)]
        console.say(f"{', '.join(counts)} in {run.seconds:.1f} s")
