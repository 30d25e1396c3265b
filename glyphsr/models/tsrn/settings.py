"""Settings of TSRN."""

from typing import ClassVar, Literal

from glyphsr.config.trunk import StraightenedConfig


class TSRNConfig(StraightenedConfig):
    """TSRN, the TextZoom paper's network: the trunk alone."""

    needs_prior: ClassVar[bool] = False

    kind: Literal["tsrn"] = "tsrn"
