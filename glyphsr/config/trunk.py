"""Settings that the networks of the TSRN family share; each network's own stand in its folder."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from glyphsr.config.base import Config
from glyphsr.config.glyph_perception import GPMConfig
from glyphsr.config.ranges import EvenWidth, Layers, LineHeight, Positive

PLUGIN = "plugin"
"""``kind`` of a network's settings that name none."""


class TrunkConfig(Config):
    """What every network of the TSRN lineage is made of, and which lines it takes."""

    kind: str = PLUGIN
    """Which network; each class of this package or of another has its own."""

    needs_prior: ClassVar[bool] = True
    """Whether a text prior guides it."""
    fixed_size: ClassVar[tuple[int, int] | None] = None
    """The only LR ``(height, width)`` it can take, ``None`` for any."""

    num_srbs: Layers = 5
    """Sequential residual blocks in the trunk (N)."""
    width: EvenWidth = 64
    """Channels of the trunk (C_sr)."""
    image_channels: Literal[3, 4] = 4
    """3 for RGB, 4 with the brightness mask of TextZoom's loader."""
    min_height: LineHeight = 16
    """Least line height in pixels that the network takes as it is; smaller lines are enlarged to it."""
    max_height: LineHeight = 16
    """Greatest line height in pixels that the network takes as it is; taller lines are handled at this height. Heights
    between multiples of 4 are enlarged to the next one."""
    window_aspect: Annotated[float, Field(gt=1.0, le=64.0)] = 4.0
    """Width of the window through which long lines pass, in line heights."""

    @property
    def glyph_perception(self) -> GPMConfig | None:
        """Settings of the Glyph Perception Module; ``None`` for networks that perceive no glyphs."""
        return None

    @property
    def published_row(self) -> str | None:
        """Row of the paper's tables for published weights of this shape; ``None`` where the kind alone says it."""
        return None

    @property
    def reads_text(self) -> bool:
        """Whether the network reads the text on its own way to the picture, and can be taught to."""
        return False

    @model_validator(mode="after")
    def _check_heights(self) -> "TrunkConfig":
        if self.min_height > self.max_height:
            raise ValueError(f"min_height: expected at most max_height ({self.max_height}), got {self.min_height}")
        return self


class StraightenedConfig(TrunkConfig):
    """A network with a spatial transformer in front."""

    stn: bool = True
    """Straighten pictures with a spatial transformer while training, as published; at test time it rests."""


class PriorTrunkConfig(StraightenedConfig):
    """A network whose text prior passes through transposed convolutions."""

    prior_width: EvenWidth = 32
    """Channels of the transformed prior."""
    prior_hidden: tuple[Positive, Positive, Positive] = (512, 128, 64)
    """Channels inside the prior transformer."""


class CluedConfig(PriorTrunkConfig):
    """A network that can be guided by a language clue, too."""

    language_width: Annotated[int, Field(ge=8, multiple_of=8)] = 512
    """Features of the language model."""
