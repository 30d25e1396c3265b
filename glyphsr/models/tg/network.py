"""Text Gestalt's network: TSRN, whose spatial transformer looks at the picture as it is."""

from glyphsr.config.networks import TGConfig
from glyphsr.models.layers.residual_network import ResidualNetwork
from glyphsr.models.layers.srb import SequentialResidualBlock
from glyphsr.models.layers.stn import SpatialTransformer


class TextGestalt(ResidualNetwork):
    """TSRN as Text Gestalt trains it.

    Source: ``FudanVI/FudanOCR: text-gestalt/model/tsrn.py``. Its other choice, TBSRN, is
    :class:`glyphsr.models.tbsrn.network.TBSRN` to the last digit.
    """

    @classmethod
    def from_config(cls, config: TGConfig, *, num_classes: int = 0) -> "TextGestalt":
        """Build the network; it has no use for a text prior, so ``num_classes`` is ignored."""
        del num_classes
        stn = SpatialTransformer(config.image_channels, align_corners=False) if config.stn else None
        blocks = [SequentialResidualBlock(config.width, 0) for _ in range(config.num_srbs)]
        return cls(config, blocks=blocks, stn=stn)
