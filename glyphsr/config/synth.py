"""Settings of a rendered data set."""

from typing import Annotated, Literal

from pydantic import Field

from glyphsr.config.base import Config
from glyphsr.config.degradation import DegradationConfig
from glyphsr.config.rendering import RenderConfig


class SynthConfig(Config):
    """One rendered data set: pairs and, if asked for, exact masks."""

    count: Annotated[int, Field(ge=1, le=999_999_999)] = 1000
    """Words."""
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    glyphs: bool = False
    """Write a glyph LMDB with the exact masks beside the pairs."""
    workers: Literal["auto"] | Annotated[int, Field(ge=1, le=256)] = "auto"
    """Processes; they leave no trace in the data."""
    render: RenderConfig = RenderConfig()
    degradation: DegradationConfig = DegradationConfig()
