"""Settings of a rendered data set."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from glyphsr.config.base import Config
from glyphsr.config.degradation import DegradationConfig
from glyphsr.config.rendering import RenderConfig

MOST_WORKERS = 256


def _workers(value: Any) -> Any:
    if value != "auto" and (not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MOST_WORKERS):
        raise ValueError(f"expected auto or 1 to {MOST_WORKERS}, got {value!r}")
    return value


class SynthConfig(Config):
    """One rendered data set: pairs and, if asked for, exact masks."""

    count: Annotated[int, Field(ge=1, le=999_999_999)] = 1000
    """Words."""
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    glyphs: bool = False
    """Write a glyph LMDB with the exact masks beside the pairs."""
    workers: Annotated[Literal["auto"] | int, BeforeValidator(_workers)] = "auto"
    """Processes; they leave no trace in the data."""
    render: RenderConfig = RenderConfig()
    degradation: DegradationConfig = DegradationConfig()
