"""Command-line options made from the fields of a configuration class, so that each option is written once, there.

A field with a :class:`~glyphsr.config.base.Flag` in its annotation becomes an option: its name, type, default and
docstring are the field's. ``--config FILE`` and ``--set KEY=VALUE`` come with them. The classes are imported when their
command runs or shows its help, since pydantic alone takes longer to load than ``glyphsr --help`` may.
"""

import importlib
import inspect
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

import typer

from glyphsr.safe_reading.numbers import whole_number
from glyphsr_cli.completion import completion
from glyphsr_cli.options import ConfigOpt, SetOpt, choices

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

    from glyphsr.config.base import Config, Flag

BUILD = "build_with_options"
"""Attribute of a registered command: makes the function that has all options."""


def settings_command(
    config: str, *, exclusive: Sequence[frozenset[str]] = ()
) -> Callable[[Callable[..., None]], Callable[[], None]]:
    """Give a command the options of a configuration class; it receives the loaded settings as its first argument.

    Args:
        config: ``module:Class``.
        exclusive: Groups of fields of which one may be set, see :func:`glyphsr.config.reader.load`.
    """

    def decorate(command: Callable[..., None]) -> Callable[[], None]:
        def stub() -> None:
            raise AssertionError("the command group replaces this by the command with its options")

        stub.__name__, stub.__doc__, stub.__module__ = command.__name__, command.__doc__, command.__module__
        setattr(stub, BUILD, lambda: _with_options(command, config, exclusive))
        return stub

    return decorate


def build(registered: Any, name: str | None, context_settings: dict[str, Any]) -> Any:
    """The click command with its options, where a registered one stands for such; else the registered one."""
    make = getattr(registered.callback, BUILD, None)
    if make is None:
        return registered

    app = typer.Typer(add_completion=False)
    app.command(name, help=registered.help, context_settings=context_settings)(make())
    return typer.main.get_command(app)


def _with_options(
    command: Callable[..., None], config: str, exclusive: Sequence[frozenset[str]]
) -> Callable[..., None]:
    module, _, name = config.partition(":")
    kind: type[Config] = getattr(importlib.import_module(module), name)
    options = {field: _Option(field, info) for field, info in kind.model_fields.items() if _flag(info) is not None}

    def run(*, config: str | None, sets: list[str] | None, **values: Any) -> None:
        from glyphsr.config.reader import load

        flags = {field: option.setting(values.pop(field)) for field, option in options.items()}
        command(load(kind, config, sets=sets or (), flags=flags, exclusive=exclusive), **values)

    # The command's first parameter is the settings, which no option gives.
    _, *own = inspect.signature(command).parameters.values()
    shared = {"config": ConfigOpt, "sets": SetOpt}
    made = [
        *(option.parameter for option in options.values()),
        *(_keyword(name, annotation, None) for name, annotation in shared.items()),
    ]
    # Arguments and options of the command itself come first in its help, those of its settings after them.
    parameters = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own] + made
    # Typer reads signature and annotations of the function, not its code.
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run


def _keyword(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _flag(info: "FieldInfo") -> "Flag | None":
    from glyphsr.config.base import Flag

    return next((item for item in info.metadata if isinstance(item, Flag)), None)


class _Option:
    """One field as an option.

    Args:
        field: Its name.
        info: What pydantic knows of it.
    """

    def __init__(self, field: str, info: "FieldInfo") -> None:
        flag = _flag(info)
        assert flag is not None
        self.flag = flag
        self.form = _form(info.annotation)

        # Named like the field, so that option, `--set` and YAML say the same.
        names = [f"--{field.replace('_', '-')}", *([flag.short] if flag.short else [])]

        option = typer.Option(
            *names,
            help=_plain(info.description or ""),
            metavar=flag.metavar or (choices(get_args(self.form)) if get_origin(self.form) is Literal else None),
            show_default=_shown_default(flag, info.default),
            rich_help_panel=flag.panel,
            hidden=flag.hidden,
            autocompletion=completion(field, get_args(self.form) if get_origin(self.form) is Literal else ()),
        )

        # None stands for "not given": the defaults are those of the settings, not the command line's.
        default = False if self.form is bool else None
        self.parameter = _keyword(field, Annotated[self._type(), option], default)

    def _type(self) -> Any:
        """The type that Typer converts to; choices and lists of numbers are texts, which the settings check."""
        if self.form is bool:
            return bool
        if self.form is str and self.flag.is_path:
            return Path | None
        if self.form in (int, float, str):
            return self.form | None
        return list[str] | None if self.form == "texts" else str | None

    def setting(self, value: Any) -> Any:
        """What the command line gave, as the settings take it; ``None`` where it gave nothing."""
        # A switch that was not given must not overrule a file that switches it on.
        if value is None or value is False or value == []:
            return None
        if isinstance(value, Path):
            return str(value)
        if self.form == "texts":
            return [part for text in value for part in (text.split(",") if self.flag.commas else [text]) if part]
        if self.form == "numbers":
            return [_number(part) for part in value.split(",")]
        return _number(value) if self.form == "number or word" else value


def _form(annotation: Any) -> Any:
    """What kind of option a field's type makes: a type of Typer's, a literal, or a word for what it has none for."""
    # Optional fields by what they hold; Annotated ones without their bounds, which the settings check.
    parts = [annotation]
    if get_origin(annotation) in (Union, UnionType):
        parts = [part for part in get_args(annotation) if part is not NoneType]
    parts = [get_args(part)[0] if get_origin(part) is Annotated else part for part in parts]
    if len(parts) > 1:
        return "number or word"

    (form,) = parts
    if get_origin(form) is not tuple:
        return form

    (item, *_) = get_args(form)
    item = get_args(item)[0] if get_origin(item) is Annotated else item
    return "numbers" if item in (int, float) else "texts"


def _number(text: str) -> int | float | str:
    """A number where the text is one; the settings say what would be right of any other."""
    whole = whole_number(text.strip())
    if whole is not None:
        return whole
    try:
        return float(text)
    except ValueError:
        return text


def _plain(docstring: str) -> str:
    return re.sub(r"``(.*?)``", r"\1", " ".join(docstring.split()))


def _shown_default(flag: "Flag", default: Any) -> str | bool:
    if flag.default is not None:
        return flag.default
    if default in (None, False, ()):
        return False
    if isinstance(default, tuple):
        return ",".join(f"{item:g}" if isinstance(item, float) else str(item) for item in default)
    return f"{default:g}" if isinstance(default, float) else str(default)
