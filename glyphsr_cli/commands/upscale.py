"""``glyphsr upscale``: pictures of text in, more readable ones out."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from glyphsr_cli import console
from glyphsr_cli.config_options import settings_command
from glyphsr_cli.options import OUTPUT, JsonOpt, Print0Opt, ProgressOpt, QuietOpt, ShardOpt, VerboseOpt

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
        list[str] | None,
        typer.Argument(metavar="INPUT", help="Files, folders, globs, https addresses, or - for stdin."),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option("--out", "-o", help="File, folder, or - for stdout. Default: <name>_x2.png beside each input."),
    ] = None,
    more_inputs: Annotated[
        list[str] | None, typer.Option("--input", "-i", help="The same as INPUT; repeatable.")
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            help="Write what was done to a .json, .jsonl, .csv or .hocr file; it grows as pictures are finished, and "
            "a later run continues it.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    clipboard: Annotated[bool, typer.Option("--clipboard", help="Take the picture in the clipboard.")] = False,
    shard: ShardOpt = None,
    seed: Annotated[int | None, typer.Option(hidden=True)] = None,
    json_: JsonOpt = False,
    print0: Print0Opt = False,
    progress: ProgressOpt = None,
    verbose: VerboseOpt = False,
    quiet: QuietOpt = False,
) -> None:
    """Make pictures of text larger and more readable.

    Each picture is one line of text, of any size and aspect, or a page in which lines are found. Nothing is
    overwritten unless asked; a folder run that was interrupted continues where it stopped. Paths of results appear on
    stdout as they are finished.

    Examples: glyphsr upscale sign.png -o larger.png; glyphsr upscale photos -r -o readable --report report.jsonl;
    glyphsr upscale scan.pdf --pages 1-3 -o pages; glyphsr upscale receipt.jpg --guard revert.
    """
    del seed  # part of every command's interface; nothing is drawn at random here
    sources = [*(inputs or []), *(more_inputs or []), *(["clipboard:"] if clipboard else [])]
    if not sources:
        raise typer.BadParameter("expected at least one file, folder, glob, address or -", param_hint="INPUT")

    # stdin without a name for the result makes a filter of the command.
    to_stdout = out == "-" or (sources == ["-"] and out is None)
    if json_ and to_stdout:
        raise typer.BadParameter("stdout carries the picture; use --report FILE", param_hint="--json")

    # Settings without effect are most often a mistake.
    for message in () if quiet else _unused(settings, out):
        console.say(f"note: {message}")
    console.limit_kernel_cache()
    from glyphsr.upscaling.files import run_files  # torch loads here, so --help stays instant

    lists_paths = not (json_ or to_stdout or quiet)
    with console.progress_bar(enabled=False if quiet else progress) as bar:
        task = bar.add_task("loading", total=None)

        def show(picture: "PictureReport") -> None:
            if picture.status != "skipped":
                bar.update(task, advance=1, description="upscaling")
            if lists_paths and picture.status == "done":
                console.echo_path(picture.output or "", print0=print0, bar=bar)
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

    _summarise(run, as_json=json_, quiet=quiet)
    if run.problem:
        console.say(f"error: {run.problem}")
    if run.exit_code:
        raise typer.Exit(run.exit_code)


def _unused(settings: "UpscaleConfig", out: str | None) -> list[str]:
    """Settings that were given and change nothing beside others that were."""
    from glyphsr.images.formats import SUFFIXES

    found = []
    if settings.guard_reader and settings.guard == "off":
        found.append(f"--guard-reader {settings.guard_reader}: not used, since --guard is off")

    kind = SUFFIXES.get(Path(out or "").suffix.lower())
    if "ext" in settings.model_fields_set and kind and kind != SUFFIXES.get(f".{settings.ext.lower().lstrip('.')}"):
        found.append(f"--ext {settings.ext}: not used, since -o {out} says the type")
    return found


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

    # What was skipped is counted once, in the summary.
    if picture.note and not quiet and picture.status != "skipped":
        messages.append(f"note: {picture.input}: {picture.note}")
    if verbose and picture.prior_text is not None:
        messages.append(f"{picture.input}: prior reads {picture.prior_text!r} ({picture.prior_confidence:.2f})")

    return messages


def _summarise(run: "UpscaleRun", *, as_json: bool, quiet: bool) -> None:
    if as_json:
        typer.echo(json.dumps(run.as_dict(), indent=2))

    if quiet:
        return

    if run.left_out:
        console.say(f"note: left out: {run.left_out}")
    if run.outdated:
        console.say(f"warning: {run.outdated} results were made with other settings and stay; --overwrite redoes these")

    if len(run.pictures) > 1:
        # Of several pictures a summary, and only of what there is.
        unchanged = run.count("done") - run.improved - run.sharpened
        counts = [f"{run.improved} improved"] + ([f"{run.sharpened} sharpened without a text"] if run.sharpened else [])
        counts += [f"{unchanged} only enlarged"] if unchanged else []
        counts += [f"{run.count(status)} {status}" for status in ("skipped", "failed") if run.count(status)]
        console.say(f"{', '.join(counts)} in {run.seconds:.1f} s")
