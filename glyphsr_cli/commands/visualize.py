"""``glyphsr visualize``: words, glyphs, priors, failures and runs as pictures or one HTML page."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from glyphsr_cli import console
from glyphsr_cli.config_options import settings_command
from glyphsr_cli.options import JsonOpt, QuietOpt

if TYPE_CHECKING:
    from glyphsr.config.visualize import VisualizeConfig


@settings_command("glyphsr.config.visualize:VisualizeConfig")
def visualize(
    settings: "VisualizeConfig",
    inputs: Annotated[
        list[str] | None, typer.Argument(metavar="INPUT", help="Pictures of text, files or folders.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="A .png, a .html page with slider, filters and zoom, or a .pdf figure for print.",
            show_default="glyphsr-WHAT.png",
        ),
    ] = None,
    json_: JsonOpt = False,
    quiet: QuietOpt = False,
) -> None:
    """Show what the networks do, word by word.

    Pictures are scaled without smoothing, so that pixels can be seen; right characters of a reading are green, wrong
    ones red. The page needs no network and nothing beside it.

    Examples: glyphsr visualize sign.png; glyphsr visualize --lmdb easy --sample 12 -o words.html; glyphsr visualize
    --lmdb easy --what gem -o gem.png.
    """
    console.limit_kernel_cache()
    from glyphsr.visualization.visualize import run_visualization  # torch loads here, so --help stays instant

    shown = run_visualization(settings, inputs or [], out)
    if not quiet:
        for notice in shown.notices:
            console.say(f"note: {notice}")
    if json_:
        console.echo(console.as_json(shown.as_dict()))
    else:
        console.echo_path(shown.path)
