"""``glyphsr models``: weights by name, where they come from and whether they are what they should be."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from glyphsr_cli import console
from glyphsr_cli.completion import weights_names
from glyphsr_cli.options import JsonOpt, OfflineOpt, ProgressOpt, QuietOpt, VerboseOpt

if TYPE_CHECKING:
    from glyphsr.weights.hub import StoredWeights

models_app = typer.Typer(help="List, fetch, check and convert weights.", no_args_is_help=True)

GATE_FAILED = 5

NameArg = Annotated[
    str, typer.Argument(metavar="NAME", help="A name of `glyphsr models list`.", autocompletion=weights_names)
]


@models_app.command("list")
def list_(json_: JsonOpt = False, verbose: VerboseOpt = False) -> None:
    """Show every name, whether it is here, its licence and where it comes from; --verbose also what it is.

    What comes by `glyphsr models pull` is fetched by itself when it is needed. Files that only their authors publish
    are downloaded by hand and stored by `glyphsr models convert`.

    Examples: glyphsr models list; glyphsr models list --verbose; glyphsr models list --json.
    """
    from glyphsr.weights.hub import list_weights

    rows = list_weights()
    if json_:
        typer.echo(json.dumps({"schema_version": 1, "models": [_as_dict(row) for row in rows]}, indent=2))
        return
    from glyphsr_cli import tables

    columns = ("name", "status", "MB", "licence", "from", *(("network", "about") if verbose else ()))

    cells = []
    for row in rows:
        more = (row.entry.network, row.entry.about) if verbose else ()
        cells.append((row.name, row.status, _size(row), row.entry.licence, _origin(row), *more))
    tables.show([tables.Table("Weights (OWNER/PROJECT is on github.com)", columns, tuple(cells), wide=True, firm=3)])


def _origin(row: "StoredWeights") -> str:
    """Where weights come from, in few words."""
    if row.entry.source == "authors":
        return (row.entry.page or "its authors").removeprefix("https://").removeprefix("github.com/")
    return {"bundled": "the package", "download": "glyphsr models pull", "unpublished": "nobody; train it"}[
        row.entry.source
    ]


def _size(row: "StoredWeights") -> str:
    size = row.path.stat().st_size if row.path else row.entry.bytes
    return f"{size / 1e6:.0f}" if size else "-"


def _as_dict(row: "StoredWeights") -> dict[str, object]:
    entry = row.entry.model_dump(exclude_none=True)
    return {"name": row.name, "status": row.status, "path": str(row.path) if row.path else None, **entry}


@models_app.command("pull")
def pull(name: NameArg, offline: OfflineOpt = False, progress: ProgressOpt = None, quiet: QuietOpt = False) -> None:
    """Fetch published weights into the cache, check their SHA-256 and convert them; print the file.

    A transfer that was cut continues where it stopped.

    Example: glyphsr models pull parseq.
    """
    from glyphsr.errors import WeightsError
    from glyphsr.weights.hub import download as fetch
    from glyphsr.weights.registry import local_weights

    if offline and local_weights(name) is None:
        raise WeightsError(f"{name}: not here, and --offline forbids to fetch it")
    with console.progress_bar(enabled=False if quiet else progress) as bar:
        task = bar.add_task(name, total=None)
        path = fetch(name, progress=lambda done, total: bar.update(task, completed=done, total=total))
    console.echo_path(path)


@models_app.command("verify")
def verify(
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME", help="All that are here, without one.")] = None,
    json_: JsonOpt = False,
) -> None:
    """Compare stored files with the hashes they were stored with; exit with 5 if one differs.

    Examples: glyphsr models verify; glyphsr models verify compact parseq.
    """
    from glyphsr.weights.hub import verify as check

    found = check(names or [])
    if json_:
        rows = [{"name": f.name, "path": str(f.path), "ok": f.ok, "message": f.message} for f in found]
        typer.echo(json.dumps({"schema_version": 1, "models": rows}, indent=2))
    else:
        for item in found:
            console.echo_path(f"{'ok ' if item.ok else 'BAD'} {item.name}: {item.message}")
    if not all(item.ok for item in found):
        raise typer.Exit(GATE_FAILED)


@models_app.command("path")
def path(name: NameArg) -> None:
    """Print the file that a name stands for on this machine.

    Example: glyphsr models path compact.
    """
    from glyphsr.errors import WeightsError
    from glyphsr.weights.registry import local_weights, where_to_get

    found = local_weights(name)
    if found is None:
        raise WeightsError(f"{name}: no weights here; {where_to_get(name)}")
    console.echo_path(found)


@models_app.command("convert")
def convert(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE",
            help="Published checkpoint: .pth, .pt, .ckpt or .tar; several where one network is in several files.",
        ),
    ],
    as_: Annotated[str, typer.Option("--as", metavar="NAME", help="What it is: a name of `glyphsr models list`.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="A .safetensors file.", show_default="the cache, by name")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that exists.")] = False,
    sets: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="What no file shows: align_corners (moran, aster), mix_batch (tatt, pean), guidance (c3stisr).",
        ),
    ] = None,
) -> None:
    """Check a published file against the network it should be and store it as safetensors; print the file.

    Only tensors are read: a pickle that carries code is refused. Where keys or shapes differ, the first are named.

    Examples: glyphsr models convert demo.pth.tar --as aster;
    glyphsr models convert crnn.pth --as crnn -o crnn.safetensors.
    """
    from glyphsr.config.reader import parse_settings
    from glyphsr.weights.convert import convert as store

    stored = store(files[0], as_, beside=files[1:], out=out, overwrite=overwrite, changes=parse_settings(sets or ()))
    console.echo_path(stored)
