"""``glyphsr upscale``: pictures of text in, more readable ones out."""

import json
import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from glyphsr_cli import console
from glyphsr_cli.options import (
    OUTPUT,
    AutoBatchOpt,
    ConfigOpt,
    DeviceOpt,
    JsonOpt,
    OfflineOpt,
    PrecisionOpt,
    ProgressOpt,
    QuietOpt,
    SeedOpt,
    SetOpt,
    VerboseOpt,
    WorkersOpt,
    auto_or_number,
)

if TYPE_CHECKING:
    from glyphsr.upscaling.report import PictureReport, UpscaleRun

PAGE = "Page"
GUARD = "Guard against invented letters"
MODEL = "Model"
SIZE = "Size"
IN_DOUBT = ("warned", "reverted")
"""What the guard did where there is something to tell; the rest is for the report."""
SIZES = (frozenset({"scale"}), frozenset({"width", "height"}))


class GuardName(StrEnum):
    """What the guard does."""

    off = "off"
    warn = "warn"
    revert = "revert"


def upscale(
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
    scale: Annotated[
        float | None, typer.Option(help="Factor on both sides.", show_default="2", rich_help_panel=SIZE)
    ] = None,
    width: Annotated[int | None, typer.Option(help="Width in pixels instead.", rich_help_panel=SIZE)] = None,
    height: Annotated[int | None, typer.Option(help="Height in pixels instead.", rich_help_panel=SIZE)] = None,
    mode: Annotated[
        str | None,
        typer.Option(
            help="line: each picture is one line of text. page: lines are found in it, and enlarged where they are. "
            "auto: page for pictures of many lines.",
            show_default="auto",
        ),
    ] = None,
    boxes: Annotated[
        Path | None,
        typer.Option(
            help="JSON file of the lines in the picture, or a folder with NAME.json for each.",
            show_default="found by rapidocr",
            rich_help_panel=PAGE,
        ),
    ] = None,
    min_text_height: Annotated[
        float | None, typer.Option(help="Smaller lines are left, in pixels.", show_default="6", rich_help_panel=PAGE)
    ] = None,
    max_text_height: Annotated[
        float | None, typer.Option(help="Larger lines are left, in pixels.", show_default="96", rich_help_panel=PAGE)
    ] = None,
    save_regions: Annotated[
        Path | None, typer.Option(help="Folder for each line by itself, straight.", rich_help_panel=PAGE)
    ] = None,
    strength: Annotated[
        float | None,
        typer.Option(
            help="How much of the network's change over bicubic is applied, 0..1. Less is safer, more is sharper.",
            show_default="from the model's card",
            rich_help_panel=MODEL,
        ),
    ] = None,
    guard: Annotated[
        GuardName | None,
        typer.Option(
            help="A second reader reads each line before and after, and three judges each word. "
            "warn: tell where it became worse to read or is not what was drawn. revert: "
            "leave such lines as they were, and short or sharp ones that could be read before. An OCR engine as reader "
            "also notices numbers that lose their point, and has words drawn anew as most readers read them before.",
            show_default="off",
            rich_help_panel=GUARD,
        ),
    ] = None,
    guard_reader: Annotated[
        str | None,
        typer.Option(
            help="Judge, as for eval --recognizer.",
            show_default="rapidocr if installed, else crnn-light-synth",
            rich_help_panel=GUARD,
        ),
    ] = None,
    text: Annotated[
        str | None,
        typer.Option(help="What the picture says: guides the network, and is checked.", rich_help_panel=GUARD),
    ] = None,
    weights: Annotated[
        str | None,
        typer.Option("--weights", "-w", help="Name or checkpoint file.", show_default="compact", rich_help_panel=MODEL),
    ] = None,
    prior_weights: Annotated[
        str | None,
        typer.Option(help="Published CRNN or PARSeq file for a published GlyphSR file.", rich_help_panel=MODEL),
    ] = None,
    recursive: Annotated[bool, typer.Option("--recursive", "-r", help="Look into the folders below, too.")] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace results that exist.", rich_help_panel=OUTPUT)
    ] = False,
    suffix: Annotated[str | None, typer.Option(help="Put behind each name.", rich_help_panel=OUTPUT)] = None,
    ext: Annotated[
        str | None, typer.Option(help="File type of the results.", show_default="png", rich_help_panel=OUTPUT)
    ] = None,
    quality: Annotated[
        int | None, typer.Option(help="Of JPEG and WebP, 1..100.", show_default="95", rich_help_panel=OUTPUT)
    ] = None,
    compare: Annotated[
        bool,
        typer.Option(
            "--compare", help="Write <name>_compare.png too: bicubic above, ours below.", rich_help_panel=OUTPUT
        ),
    ] = False,
    report: Annotated[
        Path | None, typer.Option(help="Write what was done to a .json, .jsonl or .csv file.", rich_help_panel=OUTPUT)
    ] = None,
    device: DeviceOpt = None,
    precision: PrecisionOpt = None,
    batch_size: AutoBatchOpt = None,
    workers: WorkersOpt = None,
    seed: SeedOpt = None,
    offline: OfflineOpt = False,
    config: ConfigOpt = None,
    sets: SetOpt = None,
    json_: JsonOpt = False,
    progress: ProgressOpt = None,
    verbose: VerboseOpt = False,
    quiet: QuietOpt = False,
) -> None:
    """Make pictures of text larger and more readable.

    Each picture is one line of text, of any size and aspect, or a page in which lines are found. Nothing is
    overwritten unless asked; a folder run that was interrupted goes on where it stopped. Nothing is drawn at random, so
    --seed changes nothing here.
    """
    del seed  # part of every command's interface
    from glyphsr.config.reader import load
    from glyphsr.config.upscale import UpscaleConfig

    flags: dict[str, Any] = {
        "weights": weights,
        "prior_weights": prior_weights,
        "scale": scale,
        "width": width,
        "height": height,
        "strength": strength,
        "guard": guard.value if guard is not None else None,
        "guard_reader": guard_reader,
        "text": text,
        "mode": mode,
        "boxes": str(boxes) if boxes else None,
        "min_text_height": min_text_height,
        "max_text_height": max_text_height,
        "save_regions": str(save_regions) if save_regions else None,
        "recursive": recursive or None,
        "suffix": suffix,
        "ext": ext,
        "quality": quality,
        "compare": compare or None,
        "overwrite": overwrite or None,
        "device": device,
        "precision": precision.value if precision is not None else None,
        "batch_size": auto_or_number(batch_size),
        "workers": workers,
        "offline": offline or None,
    }
    settings = load(UpscaleConfig, config, sets=sets or (), flags=flags, exclusive=SIZES)
    sources = [*(inputs or []), *(more_inputs or [])]
    if not sources:
        raise typer.BadParameter("expected at least one file, folder, glob or -", param_hint="INPUT")
    to_stdout = out == "-" or (sources == ["-"] and out is None)
    if json_ and to_stdout:
        raise typer.BadParameter("stdout carries the picture; use --report FILE", param_hint="--json")
    console.limit_kernel_cache()
    from glyphsr.upscaling.files import upscale_files  # torch loads here, so --help stays instant

    with console.progress_bar(enabled=False if quiet else progress) as bar:
        task = bar.add_task("upscaling", total=None)

        def show(picture: "PictureReport") -> None:
            if picture.status != "skipped":
                bar.advance(task)
            for message in _messages(picture, verbose=verbose, quiet=quiet):
                console.say(message, bar.console)

        run = upscale_files(
            sources,
            out,
            report=report,
            progress=show,
            started=lambda total: bar.update(task, total=total),
            **settings.model_dump(),
        )
    _summarise(run, as_json=json_, quiet=quiet, to_stdout=to_stdout)
    if run.exit_code:
        raise typer.Exit(run.exit_code)


def _messages(picture: "PictureReport", *, verbose: bool, quiet: bool) -> list[str]:
    """Failures always, notes unless quiet, the prior's reading when asked to say more."""
    messages = [f"error: {picture.error}"] if picture.error else []
    if picture.guard_reason and not quiet and picture.guard in IN_DOUBT:
        done = "; left as it was" if picture.guard == "reverted" else ""
        messages.append(f"warning: {picture.input}: {picture.guard_reader} {picture.guard_reason}{done}")
    for region in picture.regions or ():
        if region.guard_reason and not quiet and region.guard in IN_DOUBT:
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


def _summarise(run: "UpscaleRun", *, as_json: bool, quiet: bool, to_stdout: bool) -> None:
    if as_json:
        typer.echo(json.dumps(run.as_dict(), indent=2))
    elif not to_stdout:
        for picture in run.pictures:
            if picture.status == "done":
                typer.echo(os.fsencode(picture.output or ""))  # names may be no valid UTF-8
    if len(run.pictures) > 1 and not quiet:
        counts = [f"{run.count(status)} {status}" for status in ("done", "skipped", "failed") if run.count(status)]
        console.say(f"{', '.join(counts)} in {run.seconds:.1f} s")
