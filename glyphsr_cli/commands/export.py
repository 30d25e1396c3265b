"""``glyphsr export``: a model as ONNX graphs."""

import json
from pathlib import Path
from typing import Annotated

import typer

from glyphsr_cli import console
from glyphsr_cli.options import COMPUTE, OUTPUT, JsonOpt, OfflineOpt, QuietOpt


def export(
    weights: Annotated[str, typer.Argument(metavar="MODEL", help="Name of weights, or a checkpoint file.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="File of the network, ending in .onnx.", show_default="<MODEL>.onnx"),
    ] = None,
    prior_weights: Annotated[
        str | None,
        typer.Option(help="With a published checkpoint: the published CRNN or PARSeq that gives its text prior."),
    ] = None,
    share_weights: Annotated[
        bool,
        typer.Option(
            "--share-weights",
            help="Leave the weights in the checkpoint, which has to lie beside the graphs; these are then small.",
            rich_help_panel=COMPUTE,
        ),
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace files that exist.", rich_help_panel=OUTPUT)
    ] = False,
    offline: OfflineOpt = False,
    json_: JsonOpt = False,
    quiet: QuietOpt = False,
) -> None:
    """Write a model as ONNX for onnxruntime, OpenVINO and others, and compare it with torch; print the files.

    NAME.onnx is the network, NAME.prior.onnx its text prior. Height, width and batch are free where the network takes
    any. `glyphsr upscale -w NAME.onnx` runs them without torch.

    Examples: glyphsr export compact -o compact.onnx;
    glyphsr export runs/mine/checkpoints/best.safetensors -o mine.onnx.
    """
    from glyphsr.weights.export import export as write

    target = out or Path(f"{Path(weights).stem if Path(weights).suffix else weights}.onnx")
    made = write(
        weights, target, prior_weights=prior_weights, share_weights=share_weights, offline=offline, overwrite=overwrite
    )
    if json_:
        document = {"schema_version": 1, "command": "export", "difference": made.difference}
        typer.echo(json.dumps(document | {"files": [str(path) for path in made.files]}, indent=2))
        return
    for path in made.files:
        console.echo_path(path)
    if not quiet:
        console.say(f"differs from torch by at most {made.difference:.1e}")
