"""Results to stdout, everything else to stderr; ``NO_COLOR`` is honoured by Rich."""

import json
import os
import re
import sys
from importlib.util import find_spec
from typing import Any

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Column
from rich.text import Text

from glyphsr.errors import ConfigError
from glyphsr.text.controls import show_controls

WIDE_BAR = 90
"""Columns of a terminal from which a bar shows more than how far it is."""


def out() -> Console:
    """Console of the result; made when used, so that redirected streams are seen."""
    return Console(file=sys.stdout, highlight=False)


def err() -> Console:
    """Console of progress, notices and errors."""
    return Console(file=sys.stderr, highlight=False, stderr=True)


def say(message: str, console: Console | None = None) -> None:
    """One plain line on stderr; no markup, since messages contain brackets, and no wrapping, so that it stays one.

    Args:
        message: The line.
        console: That of a progress bar on screen, which then moves out of the way.
    """
    (console or err()).print(show_controls(message), markup=False, soft_wrap=True)


class RateColumn(ProgressColumn):
    """How many are done in a second."""

    def render(self, task: Task) -> Text:
        """The rate, once it is known."""
        speed = task.finished_speed or task.speed or 0.0
        shown = f"{speed:,.0f}" if speed >= 100 else f"{speed:.3g}"
        return Text(f"{shown}/s" if speed else "", style="progress.data.speed")


def progress_bar(*, enabled: bool | None) -> Progress:
    """A progress bar on stderr.

    Args:
        enabled: ``None`` shows it where stderr is a terminal.
    """
    console = err()
    show = console.is_terminal if enabled is None else enabled

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        RateColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not show,
        transient=True,
        expand=True,
        redirect_stdout=False,  # results go there as they come, also where only stderr is a terminal
    )


def counting_bar(*, enabled: bool | None) -> Progress:
    """The same with the rate per second, and a text of its own after it.

    Args:
        enabled: ``None`` shows it where stderr is a terminal.
    """
    console = err()
    show = console.is_terminal if enabled is None else enabled
    wide = console.width >= WIDE_BAR

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),
        MofNCompleteColumn(table_column=Column(no_wrap=True)),
        *([TextColumn("{task.fields[counts]}")] if wide else []),
        TimeRemainingColumn(),
        console=console,
        disable=not show,
        transient=True,
        expand=True,
    )


def training_bar(*, enabled: bool | None) -> Progress:
    """Steps, pictures per second, time left and, where there is room, memory and the terms of the loss.

    Args:
        enabled: ``None`` shows it where stderr is a terminal.
    """
    console = err()
    show = console.is_terminal if enabled is None else enabled
    wide = console.width >= WIDE_BAR

    return Progress(
        BarColumn(bar_width=None if wide else 10),
        MofNCompleteColumn(table_column=Column(no_wrap=True)),
        TextColumn("{task.fields[rate]}", table_column=Column(no_wrap=True)),
        TimeRemainingColumn(),
        *([TextColumn("{task.fields[memory]}"), TextColumn("{task.fields[terms]}")] if wide else []),
        console=console,
        disable=not show,
        transient=True,
        expand=wide,
    )


def is_first_process() -> bool:
    """Whether this process is the one of a launcher's that speaks; without a launcher it is."""
    return os.environ.get("RANK", "0") == "0"


def as_json(document: Any) -> str:
    """A JSON document as text with its line end."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def echo(text: str) -> None:
    """Write text to stdout as UTF-8; what UTF-8 cannot hold (file names in another encoding) is escaped."""
    typer.echo(text.encode("utf-8", "backslashreplace"), nl=False)


def echo_path(path: object, *, print0: bool = False, bar: Progress | None = None) -> None:
    """One path of a list on stdout: a line with control characters escaped, or as it is with a zero byte after it.

    Args:
        path: To show.
        print0: As it is.
        bar: On screen; where stdout is the same terminal it moves out of the way.
    """
    if bar is not None and not bar.disable and sys.stdout.isatty():
        say(str(path), bar.console)
    elif print0:
        typer.echo(os.fsencode(str(path)) + b"\0", nl=False)
    else:
        typer.echo(os.fsencode(_on_one_line(str(path))))  # names may be no valid UTF-8
    sys.stdout.flush()


def _on_one_line(name: str) -> str:
    """Control characters escaped; bytes that are no UTF-8, which Python keeps as surrogates, stay."""
    return re.sub("[^\udc80-\udcff]+", lambda match: show_controls(match[0]), name)


def limit_kernel_cache() -> None:
    """Keep fewer compiled kernels; to be called before torch is imported.

    Its CPU library keeps those of the last 1,024 shapes, some 300 MB once lines of many widths passed.
    """
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "128")


def require(extra: str, *modules: str) -> None:
    """Make sure that the packages of an extra are there.

    Args:
        extra: Its name.
        modules: Top-level modules of its packages.

    Raises:
        ConfigError: If one is missing.
    """
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        raise ConfigError(f"{', '.join(missing)}: not installed; pip install 'glyphsr[{extra}]'")
