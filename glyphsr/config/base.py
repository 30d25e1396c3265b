"""What every configuration class shares."""

from typing import Any

from pydantic import BaseModel, ConfigDict


class Config(BaseModel):
    """Frozen, strict about keys and types, printable in full."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


def split_text(value: Any) -> Any:
    """A text with commas for a list, as environment variables and ``--set`` give it; lists become tuples.

    Example:
        >>> split_text("easy, hard")
        ('easy', 'hard')
    """
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return tuple(value) if isinstance(value, list) else value
