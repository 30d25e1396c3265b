"""Plain values to configuration objects; a mistake is named by its place, with what would be right."""

import difflib
import json
import re
from collections.abc import Mapping, Sequence
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from glyphsr.config.commands import COMMANDS, settings_of
from glyphsr.config.plugins import plugin_names
from glyphsr.config.trunk import PLUGIN
from glyphsr.errors import ConfigError
from glyphsr.safe_reading.text_files import SHOWN

C = TypeVar("C", bound=BaseModel)

CLOSE = 0.5
"""Likeness of names from which one is taken for a slip of the other."""

UNION_PART = re.compile(r"^(constrained-|literal\[|function-|nullable\[|(str|int|float|bool)$)")
"""How pydantic calls one of several types that a setting may have, in the path of an error."""


def validate(kind: type[C], tree: Mapping[str, Any], where: str) -> C:
    """A configuration object from a tree of plain values.

    Raises:
        ConfigError: Naming ``where``, the path of the first wrong key and what would be right.
    """
    try:
        return kind.model_validate_json(json.dumps(tree, default=str))
    except ValidationError as error:
        first, *others = error.errors()
        explained = _explain(first, kind)
        if first["loc"] and UNION_PART.match(str(first["loc"][-1])):  # what else may stand there
            also = [e["msg"].removeprefix("Input should be ") for e in others if e["loc"][:-1] == first["loc"][:-1]]
            explained = explained.replace(", got ", "".join(f" or {part}" for part in also) + ", got ", 1)
        raise ConfigError(f"{where}: {explained}") from error


def _explain(error: Any, kind: type[BaseModel]) -> str:
    location, value = error["loc"], error["input"]
    path = ".".join(_named_steps(kind, location, value))
    if error["type"] == "extra_forbidden":
        known = {name for model in _models_at(kind, location[:-1]) for name in model.model_fields}
        close = difflib.get_close_matches(str(location[-1]), sorted(known), n=1, cutoff=CLOSE)
        others = [name for name in COMMANDS if path in (other := settings_of(name)).model_fields and other is not kind]
        if others:
            return f"{path}: unknown key; it is a setting of {' and '.join(others)}"
        return f"{path}: unknown key; did you mean {close[0]!r}?" if close else f"{path}: unknown key"
    if error["type"] == "value_error":
        message = str(error["ctx"]["error"])
        field = message.partition(":")[0].partition(".")[0]
        known = {name for model in _models_at(kind, location) for name in model.model_fields}
        # Checks of a whole model name the field; those of one field are at its place already.
        return message if not path else f"{path}.{message}" if field in known else f"{path}: {message}"
    if error["type"] in ("union_tag_invalid", "union_tag_not_found"):
        own = [str(_tag(model)) for model in _models_at(kind, location)]
        kinds = ", ".join([*(tag for tag in own if tag != PLUGIN), *(plugin_names() if PLUGIN in own else ())])
        found = value.get("kind") if isinstance(value, dict) else value
        return f"{path}.kind: expected one of {kinds}, got {found!r}"

    message = error["msg"][0].lower() + error["msg"][1:]
    shown = f"the text {value!r}" if isinstance(value, str) else json.dumps(value, default=str)
    shown = shown if len(shown) <= SHOWN else f"{shown[:SHOWN]}..."

    remedy = ""
    if isinstance(value, str) and error["type"] in ("float_type", "int_type"):
        try:
            number = float(value)
            mantissa, _, exponent = value.lower().partition("e")
            dotted = mantissa if "." in mantissa else mantissa + ".0"
            remedy = f" (YAML wants {dotted}e{exponent})" if exponent else f" (YAML wants {number:g}, without quotes)"
            if error["type"] == "int_type" and number.is_integer():
                remedy = f" (YAML wants {int(number)})"
        except ValueError:
            pass

    return f"{path}: {message}, got {shown}{remedy}"


def _named_steps(kind: type[BaseModel], location: Sequence[str | int], value: Any) -> list[str]:
    """The steps that stand in the file; a union's tag, which pydantic puts between, does not."""
    steps = []
    for i, step in enumerate(location):
        models = _models_at(kind, location[:i])
        known = any(step in model.model_fields for model in models)
        last = i + 1 == len(location)
        tag = isinstance(step, str) and not known and any(step == _tag(model) for model in models)
        if UNION_PART.match(str(step)) and not known:
            continue
        if not tag or (last and not isinstance(value, dict)):
            steps.append(str(step))
    return steps


def _models_at(kind: type[BaseModel], location: Sequence[str | int]) -> list[type[BaseModel]]:
    """Configuration classes that may stand at a place of the tree."""
    models = [kind]
    for step in location:
        below: list[type[BaseModel]] = []
        for model in models:
            if step in model.model_fields:
                below += _models_in(model.model_fields[str(step)].annotation)
        tagged = [model for model in models if step == _tag(model)]
        models = below or tagged or models  # an index stays where it is
    return models


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) in (Union, UnionType, tuple, list) or get_args(annotation):
        return [model for part in get_args(annotation) for model in _models_in(part)]
    return []


def _tag(model: type[BaseModel]) -> str | None:
    field = model.model_fields.get("kind")
    return None if field is None else str(field.default)
