"""``glyphsr data inspect``: what is in data sets; and the sheets that ``data`` commands write."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from glyphsr_cli import console
from glyphsr_cli.options import JsonOpt, ProgressOpt, QuietOpt

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from glyphsr.dataset_tools.glyph_inspection import GlyphInspection
    from glyphsr.dataset_tools.inspection import Inspection, Spread
    from glyphsr_cli.tables import Table

SOME_FAILED = 3
SHOWN_PROBLEMS = 20
SHOWN_CHARACTERS = 80


def inspect(
    lmdbs: Annotated[list[str], typer.Argument(metavar="LMDB", help="Folders, or names under the data root.")],
    sheet: Annotated[
        Path | None, typer.Option("--sheet", "-o", help="Write a contact sheet of one set's samples to this .png file.")
    ] = None,
    samples: Annotated[int, typer.Option(help="Samples on the sheet, spread over the set.", min=1)] = 24,
    data_root: Annotated[str | None, typer.Option(help="Folder of TextZoom, for names; else $GLYPHSR_DATA.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what exists.")] = False,
    json_: JsonOpt = False,
    progress: ProgressOpt = None,
    quiet: QuietOpt = False,
) -> None:
    """Show counts, sizes, alphabet and labels of LMDBs: of pairs, for recognition, or of glyph masks.

    Examples: glyphsr data inspect easy medium hard; glyphsr data inspect /data/mylmdb --sheet samples.png.
    """
    from glyphsr.data.glyph_lmdb import is_glyph_lmdb
    from glyphsr.data.sources import SAMPLE_NOTICE, find_lmdb, uses_sample_set
    from glyphsr.dataset_tools.glyph_inspection import inspect_glyphs
    from glyphsr.dataset_tools.inspection import inspect as look
    from glyphsr.errors import ConfigError

    paths = [path for name in lmdbs for path in find_lmdb(name, data_root)]
    if sheet is not None:
        check_sheet("--sheet", sheet, overwrite=overwrite)
        if len(paths) > 1 or is_glyph_lmdb(paths[0]):
            raise ConfigError("--sheet: shows the samples of one set of pairs; name one")
    if uses_sample_set(lmdbs, data_root) and not quiet:
        console.say(f"note: {SAMPLE_NOTICE}")

    documents: list[dict[str, object]] = []
    shown: list[Table] = []
    is_bad = False
    for path in paths:
        with console.progress_bar(enabled=False if quiet else progress) as bar:
            task = bar.add_task(path.name, total=None)

            def show(done: int, total: int) -> None:
                bar.update(task, completed=done, total=total)  # noqa: B023 - called before the next turn

            if is_glyph_lmdb(path):
                masks = inspect_glyphs(path, progress=show)
                shown.append(_glyphs_table(masks))
                documents.append(masks.as_dict())
                bad = masks.bad
            else:
                found, picture = look(path, sheet=samples if sheet else 0, progress=show)
                if sheet is not None and picture is not None:
                    write_sheet("--sheet", sheet, picture)
                shown.append(_pairs_table(found))
                documents.append(found.as_dict())
                bad = found.bad
        for item in bad[:SHOWN_PROBLEMS]:
            console.say(f"error: {item.id}: {item.problem}")
        is_bad |= bool(bad)

    # One set is a document of its own, several are a list.
    if json_ and len(documents) == 1:
        console.echo(console.as_json(documents[0]))
    elif json_:
        console.echo(console.as_json({"schema_version": 1, "command": "data inspect", "sets": documents}))
    else:
        from glyphsr_cli import tables

        tables.show(shown)
    if is_bad:
        raise typer.Exit(SOME_FAILED)


def check_sheet(option: str, sheet: Path, *, overwrite: bool) -> None:
    """Whether a sheet can be written there, before it is drawn.

    Raises:
        ConfigError: If it is no PNG file, exists, or its folder does not.
    """
    from glyphsr.errors import ConfigError

    if sheet.suffix.lower() != ".png":
        raise ConfigError(f"{option} {sheet}: expected a name ending in .png")
    if sheet.exists() and not overwrite:
        raise ConfigError(f"{option} {sheet}: exists already; --overwrite replaces it")
    if not sheet.parent.is_dir():
        raise ConfigError(f"{option} {sheet}: the folder {sheet.parent} does not exist")


def write_sheet(option: str, sheet: Path, picture: "NDArray[np.uint8]") -> None:
    """Write a sheet.

    Raises:
        GlyphSRError: If it cannot be written there.
    """
    from glyphsr.data.lmdb_writer import encode_png
    from glyphsr.errors import GlyphSRError
    from glyphsr.system.atomic_files import write_bytes

    try:
        write_bytes(sheet, encode_png(picture))
    except OSError as error:
        raise GlyphSRError(f"{option} {sheet}: cannot be written: {error.strerror or error}") from error


def _range(spread: "Spread | None") -> str:
    return f"{spread.smallest:g} .. {spread.median:g} .. {spread.largest:g}" if spread else "-"


def _pairs_table(found: "Inspection") -> "Table":
    from glyphsr_cli import tables

    # The most frequent characters come first, so the cut loses the rare ones.
    alphabet = "".join(found.alphabet)
    more = f" and {len(alphabet) - SHOWN_CHARACTERS} more" if len(alphabet) > SHOWN_CHARACTERS else ""
    rows = (
        ("samples", f"{found.samples}, {len(found.bad)} broken"),
        ("size", f"{found.megabytes:.1f} MB"),
        ("HR height", _range(found.hr_height)),
        ("HR width", _range(found.hr_width)),
        ("LR height", _range(found.lr_height)),
        ("LR width", _range(found.lr_width)),
        ("label length", _range(found.label_length)),
        ("encodings", ", ".join(f"{name} {count}" for name, count in found.encodings.items())),
        ("alphabet", f"{len(alphabet)}: {alphabet[:SHOWN_CHARACTERS]!r}{more}"),
        ("labels without letters or digits", str(found.unread)),
    )
    title = f"{found.path} (least .. median .. greatest)"
    return tables.Table(title, ("", ""), rows, wide=True)


def _glyphs_table(found: "GlyphInspection") -> "Table":
    from glyphsr_cli import tables

    reasons = ", ".join(f"{count} {why}" for why, count in found.reasons.items())
    rows = (
        ("words", f"{found.words}, {len(found.bad)} broken"),
        ("rejected", f"{found.rejected}{f': {reasons}' if reasons else ''}"),
        ("characters", str(found.characters)),
        ("chosen by another rule", str(found.fallbacks)),
        ("quality", _range(found.quality)),
        ("made from", found.source),
        ("segmenter, localizer", f"{found.segmenter}, {found.localizer}"),
    )
    return tables.Table(f"{found.path}: glyph masks (least .. median .. greatest)", ("", ""), rows, wide=True)
