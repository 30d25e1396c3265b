"""The command tree and the error boundary."""

import inspect
import io
import os
import signal
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from glyphsr import __version__
from glyphsr.errors import GlyphSRError
from glyphsr.system.memory import is_out_of_memory
from glyphsr_cli import console
from glyphsr_cli.commands.config import config_app
from glyphsr_cli.commands.data import data_app
from glyphsr_cli.commands.data_inspect import inspect as data_inspect
from glyphsr_cli.commands.data_synth import degrade, synth
from glyphsr_cli.commands.demo import demo
from glyphsr_cli.commands.doctor import doctor
from glyphsr_cli.commands.eval_ import eval_
from glyphsr_cli.commands.export import export
from glyphsr_cli.commands.extract import extract
from glyphsr_cli.commands.models import models_app
from glyphsr_cli.commands.read import read
from glyphsr_cli.commands.reproduce import reproduce
from glyphsr_cli.commands.serve import serve
from glyphsr_cli.commands.train import train
from glyphsr_cli.commands.upscale import upscale
from glyphsr_cli.commands.visualize import visualize
from glyphsr_cli.config_options import build

INTERRUPTED = 130

UsageError: Any = typer.BadParameter.__mro__[1]
"""Of every command line that cannot be read; Typer exports only this one of its kinds."""

CONTEXT = {"help_option_names": ["-h", "--help"]}


class ErrorBoundary(TyperGroup):
    """Turns what the user can put right into one line on stderr and its exit code."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that was asked for, with the options of its settings."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, _without_values_of_switches(build(command, name, CONTEXT), ctx), rest

    def get_params(self, ctx: Any) -> Any:
        """The options of the program itself."""
        return _bare_switches(super().get_params(ctx))

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run the program; help and version are printed before there is a command."""
        try:
            return super().main(*args, **kwargs)
        except OSError as error:
            _say_unwritable(error)
            raise SystemExit(1) from error

    def make_context(self, *args: Any, **settings: Any) -> Any:
        """Read the command line up to the command's name."""
        with _usage_errors_as_lines():
            return super().make_context(*args, **settings)

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            with _usage_errors_as_lines():
                return super().invoke(ctx)
        except GlyphSRError as error:
            # Of several processes the main one speaks.
            if not error.is_repeated:
                console.say(f"error: {error}")
            raise typer.Exit(error.exit_code) from error
        except KeyboardInterrupt as error:
            console.say(
                "interrupted; what was written is complete, and the same command continues from there where it can"
            )
            raise typer.Exit(INTERRUPTED) from error
        except BrokenPipeError as error:  # the reader of our stdout went away, e.g. `| head`
            _give_up_stdout()
            raise typer.Exit(1) from error
        except OSError as error:  # most of all a full disk, or a stdout that cannot be written
            _say_unwritable(error)
            raise typer.Exit(1) from error
        except Exception as error:
            # A bug shows its traceback; memory that ran out is nobody's bug.
            if not is_out_of_memory(error):
                raise
            console.say("error: out of memory; give smaller pictures, or --batch-size 1")
            raise typer.Exit(1) from error


def _without_values_of_switches(command: Any, ctx: Any) -> Any:
    """The command, in whose help no switch looks as if it took a value."""
    _bare_switches(command.get_params(ctx))
    for below in getattr(command, "commands", {}).values():
        _without_values_of_switches(below, ctx)
    return command


def _bare_switches(options: list[Any]) -> list[Any]:
    for option in options:
        if getattr(option, "is_flag", False):
            option.metavar = ""
    return options


def _say_unwritable(error: OSError) -> None:
    reason = error.strerror or str(error) or type(error).__name__
    _give_up_stdout()
    with suppress(OSError):
        console.say(f"error: {os.fsdecode(error.filename or 'standard output')}: {reason}")


@contextmanager
def _usage_errors_as_lines() -> Iterator[None]:
    """Show what is wrong with a command line like any other error; a command without arguments shows its help."""
    try:
        yield
    except UsageError as error:
        # Typer does not export the class, so it is known by its name.
        if type(error).__name__ == "NoArgsIsHelpError":
            raise
        command = error.ctx.command_path if error.ctx else "glyphsr"
        # Click's messages may have several lines.
        message = " ".join(error.format_message().split())
        console.say(f"error: {message.removesuffix('.')}; see `{command} --help`")
        raise typer.Exit(error.exit_code) from error


def _give_up_stdout() -> None:
    """Let what is still buffered go nowhere, or Python would try to write it again at the end."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


app = typer.Typer(
    name="glyphsr",
    cls=ErrorBoundary,
    help="Make pictures of text readable (GlyphSR, AAAI 2025).",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    context_settings=CONTEXT,
)


def _print_version(value: bool) -> None:
    if value:
        typer.echo(f"glyphsr {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Make pictures of text readable (GlyphSR, AAAI 2025)."""


def _flow(group: typer.Typer) -> typer.Typer:
    """Let the paragraphs of docstrings flow; Typer would break the later ones where the source does."""
    for command in group.registered_commands:
        paragraphs = (inspect.getdoc(command.callback) or "").split("\n\n") if command.callback else []
        command.help = "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
    return group


app.command("upscale")(upscale)
app.command("read")(read)
app.command("extract")(extract)
app.command("train")(train)
app.command("eval")(eval_)
app.command("visualize")(visualize)
app.command("reproduce")(reproduce)
app.command("export")(export)
app.command("demo")(demo)
app.command("serve")(serve)
app.command("doctor")(doctor)
_flow(app)
data_app.command("inspect")(data_inspect)
data_app.command("synth")(synth)
data_app.command("degrade")(degrade)
app.add_typer(_flow(data_app), name="data")
app.add_typer(_flow(models_app), name="models")
app.add_typer(_flow(config_app), name="config")


def _as_interrupt(number: int, _frame: object) -> None:
    """Job schedulers and containers send SIGTERM; it ends a run like Ctrl-C, resumable."""
    raise KeyboardInterrupt(number)


def main() -> None:
    """Entry point."""
    signal.signal(signal.SIGTERM, _as_interrupt)
    _check_streams()
    for stream in (sys.stdout, sys.stderr):  # a terminal of another encoding shows escapes instead of a traceback
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    # PIL warns of tags and of sizes, of which the reader says what matters. Filters that a thread sets for a while are
    # those of all threads, so that only this one holds at all times.
    warnings.filterwarnings("ignore", module=r"PIL\.")
    warnings.showwarning = _show_warning  # type: ignore[assignment]  # fewer arguments are used
    app()


def _show_warning(message: Warning | str, *_rest: object) -> None:
    """A library's warning on one line, without its place in the code."""
    console.say(f"warning: {' '.join(str(message).split())}")


def _check_streams() -> None:
    """Refuse to work where the result cannot go; a file opened later would get the number of a closed stream."""
    closed = [stream is None for stream in (sys.stdin, sys.stdout, sys.stderr)]
    while any(closed) and os.open(os.devnull, os.O_RDWR) < 2:
        pass
    if closed[1]:
        if not closed[2]:
            console.say("error: standard output is closed; send it to /dev/null to throw the result away")
        raise SystemExit(1)
