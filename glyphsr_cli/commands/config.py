"""``glyphsr config``: list, show, copy and check configurations."""

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from glyphsr_cli import console
from glyphsr_cli.options import JsonOpt, SetOpt, choices

if TYPE_CHECKING:
    from glyphsr.config.base import Config

config_app = typer.Typer(help="List, show, copy and check configurations.", no_args_is_help=True)


class CommandName(StrEnum):
    """Commands that take a configuration."""

    train = "train"
    upscale = "upscale"
    read = "read"
    extract = "extract"
    eval = "eval"
    visualize = "visualize"
    synth = "synth"
    serve = "serve"
    demo = "demo"


NameArg = Annotated[
    str | None,
    typer.Argument(metavar="NAME|FILE", help="A name of `glyphsr config list`, or a YAML file; the defaults without."),
]
ForOpt = Annotated[
    CommandName, typer.Option("--for", metavar=choices(CommandName), help="The command whose settings they are.")
]


@config_app.command("list")
def list_(json_: JsonOpt = False) -> None:
    """Show the configurations in the package, which `--config` takes by name; those of words are for data synth.

    Example: glyphsr config list.
    """
    from glyphsr.config.named import describe, named_configs

    found = {name: (path, describe(path)) for name, path in named_configs().items()}
    if json_:
        rows = [{"name": name, "path": str(path), "about": about} for name, (path, about) in found.items()]
        console.echo(console.as_json({"schema_version": 1, "command": "config list", "configs": rows}))
        return
    from glyphsr_cli import tables

    cells = tuple((name, about) for name, (_, about) in found.items())
    tables.show([tables.Table("Configurations", ("name", "about"), cells, wide=True, firm=1)])


@config_app.command("show")
def show(name: NameArg = None, command: ForOpt = CommandName.train, sets: SetOpt = None) -> None:
    """Print a configuration in full: the file, the environment and --set over the defaults.

    Examples: glyphsr config show glyphsr; glyphsr config show mine.yaml --set steps=100.
    """
    import yaml

    from glyphsr.config.reader import load

    settings = load(_kind(command), name, sets=sets or ())
    typer.echo(yaml.safe_dump(json.loads(settings.model_dump_json()), sort_keys=False), nl=False)


@config_app.command("init")
def init(
    name: NameArg = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="The new file.", show_default="NAME.yaml, or COMMAND.yaml")
    ] = None,
    command: ForOpt = CommandName.train,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that exists.")] = False,
) -> None:
    """Write a configuration of your own to start from: a copy of a named one, or all defaults with what they mean.

    Examples: glyphsr config init glyphsr -o mine.yaml; glyphsr config init --for upscale
    """
    from glyphsr.config.starting_file import starting_file
    from glyphsr.errors import ConfigError
    from glyphsr.system.atomic_files import write_bytes

    target = out or Path(f"{Path(name).stem if name else command.value}.yaml")
    if target.exists() and not overwrite:
        raise ConfigError(f"-o {target}: exists already; --overwrite replaces it")
    if not target.parent.is_dir():
        raise ConfigError(f"-o {target}: the folder {target.parent} does not exist")
    write_bytes(target, starting_file(_kind(command), command.value, name).encode())
    console.echo_path(target)


@config_app.command("validate")
def validate(
    files: Annotated[list[str], typer.Argument(metavar="FILE", help="YAML files, or names.")],
    command: ForOpt = CommandName.train,
) -> None:
    """Check files and name the first mistake of the first wrong one.

    Example: glyphsr config validate mine.yaml.
    """
    from glyphsr.config.reader import load

    for file in files:
        load(_kind(command), file, environment={})
        console.echo_path(f"{file}: ok")


def _kind(command: CommandName) -> "type[Config]":
    from glyphsr.config.commands import settings_of

    return settings_of(command.value)
