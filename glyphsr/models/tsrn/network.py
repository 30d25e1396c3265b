"""TSRN: the trunk alone."""

from typing import ClassVar, Self

from glyphsr.config.trunk import StraightenedConfig
from glyphsr.nn.layers.residual_network import ResidualNetwork
from glyphsr.nn.layers.srb import SequentialResidualBlock
from glyphsr.nn.layers.stn import straightener


class TSRN(ResidualNetwork):
    """The TextZoom paper's network.

    Source: ``WenjiaWang0312/TextZoom: src/model/tsrn.py``.
    """

    enlarges: ClassVar[bool] = True
    """Whether the spatial transformer sees the picture enlarged."""

    @classmethod
    def from_config(cls, config: StraightenedConfig, *, num_classes: int = 0) -> Self:
        """Build the network; it has no use for a text prior, so ``num_classes`` is ignored."""
        del num_classes
        stn = straightener(config, enlarge=cls.enlarges)
        blocks = [SequentialResidualBlock(config.width, 0) for _ in range(config.num_srbs)]
        return cls(config, blocks=blocks, stn=stn)
