"""``glyphsr visualize``: words, glyphs, priors, failures and runs as pictures or one HTML page."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from glyphsr_cli import console
from glyphsr_cli.options import (
    OUTPUT,
    ConfigOpt,
    DeviceOpt,
    JsonOpt,
    OfflineOpt,
    PrecisionOpt,
    QuietOpt,
    SeedOpt,
    SetOpt,
)

WORDS = "Words"
MODEL = "Model"


class What(StrEnum):
    """What is shown."""

    compare = "compare"
    glyphs = "glyphs"
    gem = "gem"
    prior = "prior"
    attention = "attention"
    failures = "failures"
    training = "training"


def visualize(
    inputs: Annotated[
        list[str] | None, typer.Argument(metavar="[INPUT]...", help="Pictures of text, files or folders.")
    ] = None,
    what: Annotated[
        What | None,
        typer.Option(
            "--what",
            show_default="compare",
            help="compare: LR, bicubic, SR, HR, the change, and readings. glyphs: what the network perceives, and the "
            "extracted masks. gem: key points, anchors, candidates, masks. prior: the text prior as a heat map. "
            "attention: where a recognizer looks. failures: words that an evaluation got wrong. training: a run's "
            "curves.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="A .png, or a .html page with slider, filters and zoom.",
            show_default="glyphsr-WHAT.png",
        ),
    ] = None,
    lmdb: Annotated[
        list[str] | None,
        typer.Option(help="Data set: name under the data root, or folder. Repeatable.", rich_help_panel=WORDS),
    ] = None,
    data_root: Annotated[
        str | None, typer.Option(help="Folder of TextZoom; else $GLYPHSR_DATA.", rich_help_panel=WORDS)
    ] = None,
    index: Annotated[
        str | None, typer.Option(help="Words by number, from 1: 3,7,10-12.", rich_help_panel=WORDS)
    ] = None,
    sample: Annotated[
        int | None,
        typer.Option(help="So many words at random.", show_default="8, spread evenly", rich_help_panel=WORDS),
    ] = None,
    worst: Annotated[
        int | None, typer.Option(help="So many words that the first judge reads worst.", rich_help_panel=WORDS)
    ] = None,
    text: Annotated[str | None, typer.Option(help="What the INPUT shows.", rich_help_panel=WORDS)] = None,
    per_image: Annotated[
        Path | None, typer.Option(help="For failures: file of eval --per-image.", rich_help_panel=WORDS)
    ] = None,
    run: Annotated[Path | None, typer.Option(help="For training: the run folder.", rich_help_panel=WORDS)] = None,
    glyphs: Annotated[
        str | None,
        typer.Option(
            help="Glyph LMDB of the words, or a folder that holds it.",
            show_default="extracted now",
            rich_help_panel=WORDS,
        ),
    ] = None,
    weights: Annotated[
        list[str] | None,
        typer.Option(
            "--weights",
            "-w",
            help="Network: name or checkpoint file. Repeatable.",
            show_default="compact",
            rich_help_panel=MODEL,
        ),
    ] = None,
    prior_weights: Annotated[
        list[str] | None,
        typer.Option(help="Published CRNN or PARSeq for published networks. Repeatable.", rich_help_panel=MODEL),
    ] = None,
    recognizer: Annotated[
        list[str] | None,
        typer.Option(
            "--recognizer",
            "-R",
            help="Judge, as for eval, or none; for attention: whose. Repeatable.",
            show_default="crnn",
            rich_help_panel=MODEL,
        ),
    ] = None,
    strength: Annotated[
        float | None,
        typer.Option(
            help="Share of each network's change over bicubic, 0..1.",
            show_default="from its card",
            rich_help_panel=MODEL,
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the result if it exists.", rich_help_panel=OUTPUT)
    ] = False,
    device: DeviceOpt = None,
    precision: PrecisionOpt = None,
    seed: SeedOpt = None,
    offline: OfflineOpt = False,
    config: ConfigOpt = None,
    sets: SetOpt = None,
    json_: JsonOpt = False,
    quiet: QuietOpt = False,
) -> None:
    """Show what the networks do, word by word.

    Pictures are scaled without smoothing, so that pixels can be seen; right characters of a reading are green, wrong
    ones red. The page needs no network and nothing beside it.
    """
    from glyphsr.config.reader import load
    from glyphsr.config.visualize import VisualizeConfig

    flags: dict[str, Any] = {
        "what": what.value if what is not None else None,
        "lmdb": lmdb or None,
        "data_root": data_root,
        "index": index,
        "sample": sample,
        "worst": worst,
        "text": text,
        "per_image": str(per_image) if per_image else None,
        "run": str(run) if run else None,
        "glyphs": glyphs,
        "weights": weights or None,
        "prior_weights": prior_weights or None,
        "recognizer": recognizer or None,
        "strength": strength,
        "overwrite": overwrite or None,
        "device": device,
        "precision": precision.value if precision is not None else None,
        "seed": seed,
        "offline": offline or None,
    }
    settings = load(VisualizeConfig, config, sets=sets or (), flags=flags)
    console.limit_kernel_cache()
    from glyphsr.visualization.visualize import visualize as show  # torch loads here, so --help stays instant

    shown = show(inputs or [], out, **settings.model_dump())
    if not quiet:
        for notice in shown.notices:
            console.say(f"note: {notice}")
    console.echo(console.as_json(shown.as_dict()) if json_ else f"{shown.path}\n")
