"""Report dataclasses as tables: Rich on a terminal, plain text when piped, Markdown on request."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from glyphsr.text.controls import show_controls
from glyphsr_cli import console

if TYPE_CHECKING:
    from rich.console import Console


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


def _print(tables: Sequence[Table], out: "Console") -> None:
    # Piped output is plain; on a terminal Rich draws what fits.
    tables = [_shown(table) for table in tables]
    if not out.is_terminal:
        out.file.write(as_plain(tables))
        return
    from rich import box
    from rich.table import Table as RichTable
    from rich.text import Text

    for given in tables:
        table = _fitting(given, out.width)
        if table is None:
            out.file.write(as_plain([given]) + "\n")
            continue
        header = any(table.columns)
        grid = RichTable(
            title=Text(table.title, style="bold"),
            title_justify="left",
            box=box.SIMPLE_HEAD if header else None,
            show_header=header,
            padding=(0, 1),
            pad_edge=False,
        )
        # Numbers to the right, in full; texts to the left, and they may wrap.
        for i, column in enumerate(table.columns):
            text = i == 0 or table.wide
            grid.add_column(
                Text(column),
                justify="left" if text else "right",
                overflow="fold",
                no_wrap=i < table.firm or not table.wide,
            )

        for row in table.rows:
            grid.add_row(*(Text(cell) for cell in row))  # no markup: names contain brackets
        out.print(grid)
        out.print()
