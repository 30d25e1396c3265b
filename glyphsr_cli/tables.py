"""Report dataclasses as tables: Rich on a terminal, plain text when piped, Markdown on request."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import glyphsr
from glyphsr.text.controls import show_controls
from glyphsr_cli import console

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table as RichTable


GAP = 2
"""Spaces between the columns of a wide table."""


@dataclass(frozen=True)
class Table:
    """Texts in rows; every column but the first is aligned to the right, unless the table is wide."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    wide: bool = False
    """Columns hold texts, which are aligned to the left and may wrap."""
    firm: int = 0
    """Of a wide table the first so many columns never wrap."""


def as_latex(tables: Sequence[Table]) -> str:
    """Tables as LaTeX for booktabs."""
    from glyphsr.reproduction.report import latex_tabular

    return "\n".join(latex_tabular(table.title, table.columns, table.rows) for table in tables)


def _markdown_row(cells: Sequence[str]) -> str:
    escaped = (cell.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ") for cell in cells)
    return f"| {' | '.join(escaped)} |"


def as_markdown(tables: Iterable[Table]) -> str:
    """Tables in GitHub's Markdown."""
    parts = []
    for table in tables:
        align = ["---", *["---" if table.wide else "---:"] * (len(table.columns) - 1)]
        rows = [_markdown_row(row) for row in (table.columns, align, *table.rows)]
        parts.append("\n".join([f"**{table.title}**", "", *rows]))
    return "\n\n".join(parts) + "\n"


def as_plain(tables: Iterable[Table]) -> str:
    """Tables as aligned text, without frames, for pipes and logs."""
    parts = []
    for table in tables:
        cells = [table.columns, *table.rows]
        widths = [max(len(row[i]) for row in cells) for i in range(len(table.columns))]

        body = [_aligned(row, widths, wide=table.wide) for row in cells if any(row)]
        parts.append("\n".join([table.title, *body]))
    return "\n\n".join(parts) + "\n"


def _aligned(row: Sequence[str], widths: Sequence[int], *, wide: bool) -> str:
    cells = [
        cell.ljust(width) if i == 0 or wide else cell.rjust(width)
        for i, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
    return "  ".join(cells).rstrip()


def _width(table: Table) -> int:
    """Characters that the table takes on a terminal, with Rich's spaces between columns and at the edges."""
    cells = [table.columns, *table.rows]
    return sum(max(len(row[i]) for row in cells) + 3 for i in range(len(table.columns)))


def _turned(table: Table) -> Table:
    """Rows as columns, for terminals too narrow for the table as it is."""
    header, *rows = zip(table.columns, *table.rows, strict=True)
    return Table(table.title, header, tuple(rows))


def _fitting(table: Table, width: int) -> Table | None:
    """The table, or turned where only that fits; ``None`` where numbers would be broken over lines either way."""
    return next((form for form in (table, _turned(table)) if form.wide or _width(form) <= width), None)


def _wrapped(table: Table, width: int) -> list[int] | None:
    """Widths of a wide table's columns at which texts break between words; ``None`` where some word has to break."""
    edges = 2 if any(table.columns) else 0
    room = width - edges - GAP * (len(table.columns) - 1)
    cells = [table.columns, *table.rows]
    columns = list(zip(*cells, strict=True))
    widths = [max(map(len, column)) for column in columns]
    least = [
        width if i < table.firm else max(len(word) for text in column for word in text.split() or [""])
        for i, (column, width) in enumerate(zip(columns, widths, strict=True))
    ]
    if sum(least) > room:
        return None

    while sum(widths) > room:
        widest = max((i for i in range(len(widths)) if widths[i] > least[i]), key=widths.__getitem__)
        widths[widest] -= 1
    return widths


def show(tables: Sequence[Table]) -> None:
    """Print on stdout: with Rich on a terminal, else as plain text."""
    _print(tables, console.out())


def show_on_stderr(tables: Sequence[Table]) -> None:
    """The same where stdout carries something else."""
    _print(tables, console.err())


def _shown(table: Table) -> Table:
    """The table with control characters of names and labels escaped."""
    rows = tuple(tuple(show_controls(cell) for cell in row) for row in table.rows)
    return replace(table, title=show_controls(table.title), columns=tuple(map(show_controls, table.columns)), rows=rows)


def _with_short_places(table: Table) -> Table:
    """The table with paths in the package or below the current folder as a person reads them; for terminals only."""
    rows = tuple(tuple(map(short_places, row)) for row in table.rows)
    return replace(table, title=short_places(table.title), rows=rows)


def short_places(text: str) -> str:
    """The text with what lies in the package or the current folder named by its path from there.

    Example:
        >>> sample = Path(glyphsr.__file__).parent / "data" / "sample"
        >>> short_places(f"{sample}, /data/TextZoom")
        'data/sample in the package, /data/TextZoom'
    """
    package = re.escape(str(Path(glyphsr.__file__).parent))
    text = re.sub(rf"(?<!\S){package}[/\\]([^\s,;:]+)", r"\1 in the package", text)

    here = re.escape(str(Path.cwd()))
    return re.sub(rf"(?<!\S){here}[/\\](?=\S)", "", text)


def _print(tables: Sequence[Table], out: "Console") -> None:
    # Piped output is plain; on a terminal Rich draws what fits.
    tables = [_shown(table) for table in tables]
    if not out.is_terminal:
        out.file.write(as_plain(tables))
        return
    from rich.text import Text

    for given in map(_with_short_places, tables):
        table = _fitting(given, out.width)
        if table is None:
            out.file.write(as_plain([given]) + "\n")
            continue
        out.print(Text(table.title, style="bold"), soft_wrap=True)  # a title of a grid would break where that ends
        for part in _records(table, out.width):
            out.print(_grid(part, out.width))
            out.print()


def _records(table: Table, width: int) -> list[Table]:
    """The table, or each row by itself with a line a column, where so many texts find no room side by side."""
    if not table.wide or len(table.columns) <= 3 or _wrapped(table, width) is not None:
        return [table]
    return [Table("", ("", ""), tuple(zip(table.columns, row, strict=True)), wide=True, firm=1) for row in table.rows]


def _grid(table: Table, width: int) -> "RichTable":
    from rich import box
    from rich.table import Table as RichTable
    from rich.text import Text

    header = any(table.columns)
    widths = _wrapped(table, width) if table.wide else None
    grid = RichTable(
        box=box.SIMPLE_HEAD if header else None,
        show_header=header,
        padding=(0, GAP - header, 0, 0) if table.wide else (0, 1),
        pad_edge=False,
    )

    # Numbers to the right, in full; texts to the left, and they may wrap.
    for i, column in enumerate(table.columns):
        grid.add_column(
            Text(column),
            justify="left" if i == 0 or table.wide else "right",
            overflow="fold",
            width=widths[i] if widths else None,
            no_wrap=i < table.firm or not table.wide,
        )
    for row in table.rows:
        grid.add_row(*(Text(cell) for cell in row))  # no markup: names contain brackets
    return grid
