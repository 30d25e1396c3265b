"""``glyphsr data synth`` and ``glyphsr data degrade``: rendered words, and a look at the degradation."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from glyphsr.safe_reading.numbers import whole_number
from glyphsr_cli import console
from glyphsr_cli.options import OUTPUT, SETTINGS, ConfigOpt, JsonOpt, ProgressOpt, QuietOpt, SeedOpt, SetOpt

if TYPE_CHECKING:
    from glyphsr.config.synth import SynthConfig

WORDS = "Words"

WordsOpt = Annotated[
    list[str] | None,
    typer.Option(
        help="Text file, one text a line, drawn as it stands; repeatable.",
        show_default="words, numbers, prices, plates, addresses, phrases",
        rich_help_panel=WORDS,
    ),
]
FontsOpt = Annotated[
    list[str] | None,
    typer.Option(
        help="Font file, folder of fonts, or builtin; repeatable.",
        show_default="the system's fonts",
        rich_help_panel=WORDS,
    ),
]
BackgroundsOpt = Annotated[
    str | None, typer.Option(help="Folder of photographs to take grounds from.", rich_help_panel=WORDS)
]
HeightOpt = Annotated[
    int | None,
    typer.Option(help="Height of the HR pictures in pixels: 8 to 512, even.", show_default="32", rich_help_panel=WORDS),
]
OverwriteOpt = Annotated[bool, typer.Option("--overwrite", help="Replace what exists.", rich_help_panel=OUTPUT)]


MOST_COLUMNS = 100
"""Of a sheet of difficulties."""


def synth(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the new LMDB; masks go to OUT-glyphs.")],
    count: Annotated[
        int | None, typer.Option("--count", "-n", help="How many words.", show_default="1000", rich_help_panel=WORDS)
    ] = None,
    glyphs: Annotated[
        bool | None,
        typer.Option(
            "--glyphs/--no-glyphs",
            help="Write the exact mask of every character beside the pairs.",
            show_default="no-glyphs",
            rich_help_panel=WORDS,
        ),
    ] = None,
    words: WordsOpt = None,
    fonts: FontsOpt = None,
    backgrounds: BackgroundsOpt = None,
    height: HeightOpt = None,
    difficulty: Annotated[
        str | None,
        typer.Option(
            metavar="D | D..D",
            help="How hard all LR pictures are, from 0 to 1: a number or a range.",
            show_default="mostly 0.4..1",
            rich_help_panel=WORDS,
        ),
    ] = None,
    seed: SeedOpt = None,
    workers: Annotated[
        str | None,
        typer.Option(
            help="Processes, 1 to 256, or auto; their number does not change the data.",
            show_default="auto",
            rich_help_panel="Computing",
        ),
    ] = None,
    config: ConfigOpt = None,
    sets: SetOpt = None,
    overwrite: OverwriteOpt = False,
    json_: JsonOpt = False,
    progress: ProgressOpt = None,
    quiet: QuietOpt = False,
) -> None:
    """Render words with exact glyph masks, degrade them, and write LR/HR pairs as a TextZoom LMDB.

    The same seed gives the same data on the same fonts, with any number of processes. The same command
    continues where an interrupted one stopped.

    Examples: glyphsr data synth -n 2000 --glyphs -o synth/train; glyphsr data synth --words names.txt --fonts fonts
    --difficulty 0.2..0.8 -o names.
    """
    flags: dict[str, Any] = {"count": count, "glyphs": glyphs, "seed": seed, "workers": _number_or_text(workers)}
    settings = _load(config, sets, flags, _render_flags(words, fonts, backgrounds, height), difficulty)
    from glyphsr.dataset_tools.synthesize import synthesize

    with console.progress_bar(enabled=False if quiet else progress) as bar:
        task = bar.add_task("rendering", total=None)
        result = synthesize(
            out,
            config=settings,
            overwrite=overwrite,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
            notify=None if quiet else lambda message: console.say(f"note: {message}", bar.console),
        )
    if json_:
        console.echo(console.as_json(result.as_dict()))
    else:
        console.echo_path(result.path)
        if result.glyphs is not None:
            console.echo_path(result.glyphs)
    if quiet:
        return
    if result.made < result.samples:
        console.say(f"note: continued after {result.samples - result.made} samples of an interrupted run")

    rate = f", {result.made / result.seconds:.0f} words/s" if result.made else ""
    console.say(f"{result.samples} samples, {result.fonts} fonts{rate}")


def degrade(
    out: Annotated[Path, typer.Option("--out", "-o", help="The sheet, a .png file.")],
    source: Annotated[
        str | None,
        typer.Argument(
            metavar="SOURCE",
            help="Picture, folder of pictures, LMDB, or a name under the data root.",
            show_default="rendered words",
        ),
    ] = None,
    difficulty: Annotated[
        str, typer.Option(metavar="D,D,...", help="Columns, each from 0 to 1.", rich_help_panel=OUTPUT)
    ] = "0,0.25,0.5,0.75,1",
    samples: Annotated[int, typer.Option(min=1, max=500, help="Rows.", rich_help_panel=OUTPUT)] = 8,
    fonts: FontsOpt = None,
    data_root: Annotated[
        str | None, typer.Option(help="Folder of TextZoom, for names; else $GLYPHSR_DATA.", rich_help_panel=SETTINGS)
    ] = None,
    seed: SeedOpt = None,
    config: ConfigOpt = None,
    sets: SetOpt = None,
    overwrite: OverwriteOpt = False,
    quiet: QuietOpt = False,
) -> None:
    """Draw a contact sheet of words before and after degradation, at several difficulties.

    It shows what `data synth`, `data make` and training do to HR pictures; `--set degradation.blur_sigma=[0.2,5]` and
    the like change it.

    Examples: glyphsr data degrade -o degradation.png; glyphsr data degrade word.png --difficulty 0.2,0.5 -o two.png.
    """
    from glyphsr.errors import ConfigError
    from glyphsr_cli.commands.data_inspect import check_sheet, write_sheet

    check_sheet("--out", out, overwrite=overwrite)

    columns = _numbers(difficulty, ",")
    if len(columns) > MOST_COLUMNS:
        raise ConfigError(f"--difficulty: {len(columns):,} columns, at most {MOST_COLUMNS}")

    settings = _load(config, sets, {"seed": seed}, _render_flags(None, fonts, None, None), None)
    from glyphsr.dataset_tools.degradation_sheet import view_degradation

    say = None if quiet else lambda message: console.say(f"note: {message}")
    sheet = view_degradation(
        source, config=settings, difficulties=columns, words=samples, data_root=data_root, notify=say
    )
    write_sheet("--out", out, sheet)
    console.echo_path(out)


def _render_flags(
    words: list[str] | None, fonts: list[str] | None, backgrounds: str | None, height: int | None
) -> dict[str, Any]:
    given = {"words": words or None, "fonts": fonts or None, "backgrounds": backgrounds, "height": height}
    return {key: value for key, value in given.items() if value is not None}


def _load(
    config: str | None,
    sets: list[str] | None,
    flags: dict[str, Any],
    render: dict[str, Any],
    difficulty: str | None,
) -> "SynthConfig":
    from glyphsr.dataset_tools.synthesize import synth_settings

    limits = None if difficulty is None else _numbers(difficulty, "..")
    shared = limits[0] if limits is not None and len(limits) == 1 else limits
    return synth_settings(config, flags, render, shared, sets=sets or (), environment=os.environ)


def _numbers(text: str, mark: str) -> list[float]:
    from glyphsr.errors import ConfigError

    example = {",": "0,0.5,1", "..": "0.5 or 0.2..0.8"}[mark]
    try:
        return [float(part) for part in text.split(mark)]
    except ValueError:
        raise ConfigError(f"--difficulty {text}: expected numbers from 0 to 1, such as {example}") from None


def _number_or_text(text: str | None) -> int | str | None:
    whole = whole_number(text) if text else None
    return text if whole is None else whole
