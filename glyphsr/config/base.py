"""What every configuration class shares."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, model_validator


class Config(BaseModel):
    """Frozen, strict about keys and types, printable in full."""

    RENAMED: ClassVar[Mapping[str, str]] = {}
    """Former names of fields -> the names they have now; files with the former ones are read, the new ones written."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )

    @model_validator(mode="before")
    @classmethod
    def _read_former_names(cls, values: Any) -> Any:
        if not isinstance(values, dict) or not cls.RENAMED.keys() & values.keys():
            return values
        twice = [(old, new) for old, new in cls.RENAMED.items() if old in values and new in values]
        if twice:
            old, new = twice[0]
            raise ValueError(f"{new}: was called {old}, which is given too; leave {old} away")
        return {cls.RENAMED.get(key, key): value for key, value in values.items()}


COMPUTE, DATA, MODEL, OUTPUT = "Computing", "Data", "Model", "Output"
"""Panels of ``--help`` that several commands have."""


@dataclass(frozen=True)
class Flag:
    """Makes a field an option of its command; name, type, default and help are the field's.

    It stands in the field's annotation and means nothing to the settings themselves.
    """

    panel: str | None = None
    """Heading under which ``--help`` lists it."""
    short: str | None = None
    """Another name, such as ``-w``."""
    default: str | None = None
    """What ``--help`` calls the default, where the value itself says little."""
    metavar: str | None = None
    """What ``--help`` calls the value."""
    commas: bool = False
    """Whether a text with commas stands for several."""
    is_path: bool = False
    """Whether it is a file or a folder."""


def split_text(value: Any) -> Any:
    """A text with commas for a list, as environment variables and ``--set`` give it; lists become tuples.

    Example:
        >>> split_text("easy, hard")
        ('easy', 'hard')
    """
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return tuple(value) if isinstance(value, list) else value
