"""What every configuration class shares."""

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import AliasChoices, AliasGenerator, BaseModel, ConfigDict, Field


class Config(BaseModel):
    """Frozen, strict about keys and types, printable in full."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


def formerly(old: str, *, now: str) -> Any:
    """Metadata of a field that had another name: files with that one are read, the new one is written."""
    return Field(validation_alias=AliasChoices(now, old))


def _with_former_ending(name: str) -> str | AliasChoices:
    stem, _, ending = name.rpartition("_")
    return AliasChoices(name, f"{stem}_share") if ending in ("prob", "fraction") else name


FORMERLY_SHARES = ConfigDict(alias_generator=AliasGenerator(validation_alias=_with_former_ending))
"""Settings of a class whose ``_prob`` and ``_fraction`` fields ended in ``_share`` before; such files are read."""


COMPUTE, DATA, MODEL, OUTPUT = "Computing", "Data", "Model", "Output"
"""Panels of ``--help`` that several commands have."""


RuntimeName = Literal["auto", "torch", "onnx", "openvino"]
"""What runs a network."""


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
    hidden: bool = False
    """Whether ``--help`` leaves it away."""


def switch(value: Any) -> Any:
    """``off`` and ``on`` as words, which YAML takes for truth values.

    Example:
        >>> switch(False), switch("warn")
        ('off', 'warn')
    """
    return {False: "off", True: "on"}[value] if isinstance(value, bool) else value


def split_text(value: Any) -> Any:
    """A text with commas for a list, as environment variables and ``--set`` give it; lists become tuples.

    Example:
        >>> split_text("easy, hard")
        ('easy', 'hard')
    """
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return tuple(value) if isinstance(value, list) else value
