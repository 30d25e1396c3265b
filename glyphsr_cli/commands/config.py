"""``glyphsr config``: show and check training configurations."""

import json
from pathlib import Path
from typing import Annotated

import typer

from glyphsr_cli import console
from glyphsr_cli.options import SetOpt

config_app = typer.Typer(help="Show and check training configurations.", no_args_is_help=True)

FileArg = Annotated[Path | None, typer.Argument(metavar="FILE", help="YAML file; the defaults without one.")]


@config_app.command("show")
def show(file: FileArg = None, sets: SetOpt = None) -> None:
    """Print a configuration in full: the file, the environment and --set over the defaults."""
    import yaml

    from glyphsr.config.reader import load
    from glyphsr.config.training import TrainConfig

    settings = load(TrainConfig, file, sets=sets or ())
    typer.echo(yaml.safe_dump(json.loads(settings.model_dump_json()), sort_keys=False), nl=False)


@config_app.command("validate")
def validate(files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="YAML files.")]) -> None:
    """Check files and name the first mistake of the first wrong one."""
    from glyphsr.config.reader import load
    from glyphsr.config.training import TrainConfig

    for file in files:
        load(TrainConfig, file, environment={})
        console.echo_path(f"{file}: ok")
