"""Settings of Text Gestalt."""

from typing import ClassVar, Literal

from glyphsr.config.trunk import StraightenedConfig


class TGConfig(StraightenedConfig):
    """Text Gestalt's network: TSRN, trained to look at strokes."""

    needs_prior: ClassVar[bool] = False

    kind: Literal["tg"] = "tg"
    image_channels: Literal[3, 4] = 3
    """3 for RGB as published, 4 with the brightness mask."""
