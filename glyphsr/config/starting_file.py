"""A YAML file to start a configuration of one's own from."""

import json
import textwrap
from typing import Any

import yaml
from pydantic import BaseModel

from glyphsr.config.named import find_config
from glyphsr.config.reader import load, read_yaml

WIDTH = 116


def starting_file(kind: type[BaseModel], command: str, name: str | None) -> str:
    """The content of the file.

    Args:
        kind: Configuration class.
        command: Whose settings they are.
        name: A named configuration or file, which is copied whole, without what it builds on; else every default is
            written, with what it means.

    Raises:
        ConfigError: If there is no such configuration, or it is wrong.
    """
    if name is not None:
        path = find_config(name)
        load(kind, path, environment={})
        tree = yaml.safe_dump(read_yaml(path), sort_keys=False, allow_unicode=True)
        return f"# Begun from {path.name}; what is not here has its default, see `glyphsr config show`.\n{tree}"

    defaults = json.loads(kind().model_dump_json())
    parts = [f"# Settings of `glyphsr {command}`, all at their defaults: keep what you change.\n"]
    for field, info in kind.model_fields.items():
        parts += [_comment(info.description), _lines(field, defaults[field])]
    return "".join(parts)


def _comment(description: str | None) -> str:
    wrapped = textwrap.wrap(" ".join((description or "").replace("``", "").split()), WIDTH - 2)
    return "".join(f"# {line}\n" for line in wrapped)


def _lines(field: str, value: Any) -> str:
    return yaml.safe_dump({field: value}, sort_keys=False, allow_unicode=True)
