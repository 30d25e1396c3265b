"""Reads settings, strict about every key: defaults < YAML file < ``GLYPHSR_*`` environment < ``--set`` < flags."""

import difflib
import functools
import os
import re
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from glyphsr.config.commands import COMMANDS, settings_of
from glyphsr.config.named import find_config
from glyphsr.config.validation import C, validate
from glyphsr.errors import ConfigError
from glyphsr.safe_reading.limits import DOCUMENT_DEPTH, LIMITS
from glyphsr.safe_reading.yaml_files import NotYamlError, parse_yaml, read_yaml_file

Tree = dict[str, Any]


PLACES = {"GLYPHSR_DATA", "GLYPHSR_CACHE", "GLYPHSR_PARITY", "GLYPHSR_WORDS", "GLYPHSR_PAIRS", "GLYPHSR_CI_CACHE"}
RESERVED = PLACES | {limit.variable for limit in LIMITS}
"""Environment variables that are no settings of a command."""

SERVICE_LINK = re.compile(r"(tcp|udp|sctp)://")
"""How the addresses begin that Kubernetes puts into variables named after Services."""


MAX_BASES = 16
"""Files that may name one another under ``base``."""


def _merge(base: Tree, over: Mapping[str, Any], *, layers: bool = True) -> Tree:
    """One tree over another; between layers of settings a value of another kind replaces what is below."""
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        if isinstance(below, dict) and isinstance(value, Mapping) and not (layers and _is_another(below, value)):
            merged[key] = _merge(below, value, layers=layers)
        else:
            merged[key] = value
    return merged


def _is_another(below: Tree, value: Mapping[str, Any]) -> bool:
    """Whether a value is of another kind, whose keys are not those below; a network that names none is GlyphSR."""
    return "kind" in value and below.get("kind", "glyphsr") != value["kind"]


def _nest(path: str, value: Any, where: str) -> Tree:
    keys = path.split(".")
    DOCUMENT_DEPTH.check(len(keys), where, ConfigError)
    for key in reversed(keys):
        value = {key: value}
    return dict(value)


def read_yaml(path: Path) -> Tree:
    """A YAML file's mapping.

    A file may name another one under ``base`` (relative to itself); it then only states what differs.

    Raises:
        ConfigError: If it is missing, not YAML, not a mapping, has a key twice, or its bases go in a circle.
    """
    return _read_yaml(path, ())


def _read_yaml(path: Path, seen: tuple[Path, ...]) -> Tree:
    tree = read_yaml_file(path)
    if path.resolve() in seen:
        raise ConfigError(f"{path}: base: goes in a circle")
    if len(seen) > MAX_BASES:
        raise ConfigError(f"{path}: base: one file builds on more than {MAX_BASES} others")

    if tree is None:
        return {}
    if not isinstance(tree, dict):
        raise ConfigError(f"{path}: expected a mapping of settings, got {type(tree).__name__}")

    # What stands in the file goes over what it builds on.
    base = tree.pop("base", None)
    if base is not None and not isinstance(base, str):
        raise ConfigError(f"{path}: base: expected the name of a YAML file, got {base!r}")

    return _merge(_read_yaml(path.parent / str(base), (*seen, path.resolve())), tree) if base else tree


def _scalar(text: str, where: str) -> Any:
    """The value of a YAML scalar; what is no YAML, such as a text with a colon in it, stands for itself.

    Raises:
        ConfigError: If it claims to be a number or the like and is none.
    """
    try:
        return parse_yaml(text, where)
    except NotYamlError:
        return text


def environment_settings(kind: type[BaseModel], environment: Mapping[str, str]) -> Tree:
    """Settings from ``GLYPHSR_<FIELD>`` and ``GLYPHSR_<GROUP>__<FIELD>`` variables that ``kind`` knows.

    Variables that no command knows are warned of, since others set such names too: Kubernetes beside a Service called
    ``glyphsr``, or images that carry a ``GLYPHSR_VERSION``.
    """
    tree: Tree = {}
    for name, value in sorted(environment.items()):
        if not name.startswith("GLYPHSR_") or name in RESERVED:
            continue

        # Two underscores stand for a level: GLYPHSR_OPTIMISER__LEARNING_RATE.
        keys = name.removeprefix("GLYPHSR_").lower().split("__")
        if SERVICE_LINK.match(value):
            continue

        if keys[0] in kind.model_fields:
            where = f"environment: {name}"
            tree = _merge(tree, _nest(".".join(keys), _scalar(value, where), where), layers=False)
        elif keys[0] not in _names_of_all_commands():
            close = difflib.get_close_matches(keys[0], sorted(_names_of_all_commands()), n=1, cutoff=0.75)
            nearest = f"; did you mean 'GLYPHSR_{close[0].upper()}'?" if close else ""
            warnings.warn(f"environment: {name}: no such setting, so it is ignored{nearest}", stacklevel=2)

    return tree


@functools.cache
def _names_of_all_commands() -> frozenset[str]:
    return frozenset().union(*(settings_of(command).model_fields for command in COMMANDS))


def parse_settings(sets: Sequence[str]) -> Tree:
    """The tree of ``a.b=c`` texts; values are YAML scalars.

    Raises:
        ConfigError: If one has no key or no equals sign.
    """
    tree: Tree = {}
    for text in sets:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise ConfigError(f"--set {text}: expected key=value, e.g. optimiser.learning_rate=5.0e-4")
        tree = _merge(tree, _nest(key, _scalar(value, f"--set {key}"), "--set"), layers=False)
    return tree


def load(
    kind: type[C],
    config: C | str | Path | None = None,
    *,
    sets: Sequence[str] = (),
    flags: Mapping[str, Any] | None = None,
    exclusive: Sequence[frozenset[str]] = (),
    environment: Mapping[str, str] | None = None,
) -> C:
    """The resolved settings of one run.

    Args:
        kind: Configuration class, the only place of the defaults.
        config: YAML file, the name of a configuration in the package, an object to start from, or ``None``.
        sets: ``a.b=c`` overrides.
        flags: Named flags by field name; ``None`` values are not given.
        exclusive: Groups of fields of which one may be set; a flag of one group clears the others' lower layers.
        environment: Default is the process's.

    Raises:
        ConfigError: If a key is unknown or a value does not fit, naming the place.
    """
    tree: Tree = {}
    if isinstance(config, BaseModel):
        tree = config.model_dump(mode="json")
    elif config is not None and not isinstance(config, str | Path):
        raise ConfigError(f"config: expected a {kind.__name__}, a YAML file or a name, got {type(config).__name__}")
    elif config:
        path = find_config(config)
        tree = read_yaml(path)
        validate(kind, tree, str(path))  # so that a mistake in the file is blamed on the file

    # Each layer is checked by itself, so that a message names the layer with the mistake.
    overrides = environment_settings(kind, os.environ if environment is None else environment)
    if overrides:
        tree = _merge(tree, overrides)
        validate(kind, tree, "environment (GLYPHSR_*)")

    below = tree
    for i, text in enumerate(sets):
        tree = _merge(below, parse_settings(sets[: i + 1]))
        validate(kind, tree, f"--set {text}")

    given = {key: value for key, value in (flags or {}).items() if value is not None}
    # A flag of one way to say something clears the other ways in the layers below.
    if any(group & given.keys() for group in exclusive):
        cleared = frozenset().union(*(group for group in exclusive if not group & given.keys()))
        tree = {key: value for key, value in tree.items() if key not in cleared}

    return validate(kind, _merge(tree, given), "options")


def settings_from(kind: type[C], config: C | str | Path | None, arguments: Mapping[str, Any]) -> C:
    """The settings of a function's call: its arguments over a configuration over the defaults.

    Args:
        kind: Configuration class.
        config: As in :func:`load`; the environment has no say.
        arguments: Values by field name; ``None`` values are not given, and other names are no settings.

    Raises:
        ConfigError: If a key is unknown or a value does not fit, naming the place.
    """
    given = {name: value for name, value in arguments.items() if name in kind.model_fields}
    if isinstance(config, kind) and not any(value is not None for value in given.values()):
        return config
    return load(kind, config, flags=given, environment={})
