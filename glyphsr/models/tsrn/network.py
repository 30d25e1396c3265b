"""TSRN: the trunk alone."""

from glyphsr.config.networks import TSRNConfig
from glyphsr.models.layers.residual_network import ResidualNetwork
from glyphsr.models.layers.srb import SequentialResidualBlock
from glyphsr.models.layers.stn import SpatialTransformer


class TSRN(ResidualNetwork):
    """The TextZoom paper's network.

    Source: ``WenjiaWang0312/TextZoom: src/model/tsrn.py``.
    """

    @classmethod
    def from_config(cls, config: TSRNConfig, *, num_classes: int = 0) -> "TSRN":
        """Build the network; it has no use for a text prior, so ``num_classes`` is ignored."""
        del num_classes
        stn = SpatialTransformer(config.image_channels, align_corners=False, enlarge=True) if config.stn else None
        blocks = [SequentialResidualBlock(config.width, 0) for _ in range(config.num_srbs)]
        return cls(config, blocks=blocks, stn=stn)
