"""What every configuration class shares."""

from pydantic import BaseModel, ConfigDict


class Config(BaseModel):
    """Frozen, strict about keys and types, printable in full."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True)
