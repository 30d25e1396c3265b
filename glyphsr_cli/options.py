"""Annotated types of options that commands share."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated

import typer


class PrecisionName(StrEnum):
    """Names of compute types."""

    auto = "auto"
    fp32 = "fp32"
    bf16 = "bf16"
    fp16 = "fp16"


COLUMN = 20
"""Characters that the column of values in ``--help`` has at least, on a terminal of 80."""


def choices(names: Iterable[str]) -> str:
    """What ``--help`` calls a value that is one of a few names; a long list can break between them.

    Example:
        >>> choices(["line", "page"]), choices(["compare", "attention", "training"])
        ('line|page', 'compare | attention | training')
    """
    kept = [str(name) for name in names]
    short = "|".join(kept)
    return short if len(short) <= COLUMN else " | ".join(kept)


COMPUTE = "Computing"
OUTPUT = "Output"
SETTINGS = "Settings"

DeviceOpt = Annotated[
    str | None,
    typer.Option("--device", help="auto, cpu, cuda, cuda:N or mps.", show_default="auto", rich_help_panel=COMPUTE),
]
PrecisionOpt = Annotated[
    PrecisionName | None,
    typer.Option(
        metavar=choices(PrecisionName),
        help="A batch that comes out non-finite is redone in fp32.",
        show_default="auto",
        rich_help_panel=COMPUTE,
    ),
]
SeedOpt = Annotated[int | None, typer.Option(min=0, help="Seed of every random draw.", rich_help_panel=COMPUTE)]
ConfigOpt = Annotated[
    str | None,
    typer.Option(
        "--config",
        "-c",
        metavar="FILE",
        help="YAML file with settings; for train also a name of `glyphsr config list`.",
        rich_help_panel=SETTINGS,
    ),
]
SetOpt = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Override one setting; repeatable.", rich_help_panel=SETTINGS),
]
JsonOpt = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.", rich_help_panel=OUTPUT)]
Print0Opt = Annotated[
    bool,
    typer.Option(
        "--print0",
        help="End each path on stdout with a zero byte, as it is; else control characters in it are escaped.",
        rich_help_panel=OUTPUT,
    ),
]
ProgressOpt = Annotated[
    bool | None,
    typer.Option(
        "--progress/--no-progress",
        help="Progress on stderr.",
        show_default="on in a terminal",
        rich_help_panel=OUTPUT,
    ),
]
VerboseOpt = Annotated[bool, typer.Option("--verbose", "-v", help="Say more on stderr.", rich_help_panel=OUTPUT)]
QuietOpt = Annotated[bool, typer.Option("--quiet", "-q", help="Say only errors on stderr.", rich_help_panel=OUTPUT)]
OfflineOpt = Annotated[bool, typer.Option("--offline", help="Never touch the network.", rich_help_panel=COMPUTE)]
ShardOpt = Annotated[
    str | None,
    typer.Option(
        metavar="I/N",
        help="Work on shard I of N.",
        show_default="the rank under torchrun or accelerate",
        rich_help_panel=COMPUTE,
    ),
]
