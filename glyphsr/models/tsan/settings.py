"""Settings of TSAN."""

from typing import ClassVar, Literal

from glyphsr.config.trunk import StraightenedConfig


class TSANConfig(StraightenedConfig):
    """TSAN: deep residual groups, with attention to what is alike by content and by gradient."""

    needs_prior: ClassVar[bool] = False

    kind: Literal["tsan"] = "tsan"
    image_channels: Literal[3, 4] = 3
    """3 for RGB as published, 4 with the brightness mask."""
