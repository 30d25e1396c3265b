"""Settings of TBSRN."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from glyphsr.config.ranges import Positive
from glyphsr.config.trunk import StraightenedConfig


class TBSRNConfig(StraightenedConfig):
    """TBSRN of Scene Text Telescope: self-attention instead of the GRUs."""

    needs_prior: ClassVar[bool] = False

    kind: Literal["tbsrn"] = "tbsrn"
    image_channels: Literal[3, 4] = 3
    """3 for RGB as published, 4 with the brightness mask."""
    attention_heads: Positive = 4
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Rate inside the attention blocks, in training only."""
