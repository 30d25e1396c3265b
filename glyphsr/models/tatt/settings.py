"""Settings of TATT."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from glyphsr.config.ranges import Positive
from glyphsr.config.trunk import StraightenedConfig


class TATTConfig(StraightenedConfig):
    """TATT: every place of the picture attends to the text prior. Takes 16 x 64 pictures only."""

    fixed_size: ClassVar[tuple[int, int] | None] = (16, 64)

    kind: Literal["tatt"] = "tatt"
    attention_heads: Positive = 4
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Rate inside the attention layers, in training only."""
    mix_batch: bool = False
    """Let a picture's result depend on its place in the batch: a quirk of the published code, for its exact numbers."""
