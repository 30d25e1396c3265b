"""TATT: the text prior reaches every place by attention."""

from torch import nn

from glyphsr.models.tatt.settings import TATTConfig
from glyphsr.nn.layers.prior_interpreter import PriorInterpreter
from glyphsr.nn.layers.residual_network import ResidualNetwork
from glyphsr.nn.layers.srb import SequentialResidualBlock
from glyphsr.nn.layers.stn import SpatialTransformer


class TATT(ResidualNetwork):
    """TSRN whose blocks see the interpreted text prior; takes 16 x 64 pictures only.

    Source: ``mjq11302010044/TATT: model/tsrn.py``, class ``TSRN_TL_TRANS``.
    """

    @classmethod
    def from_config(cls, config: TATTConfig, *, num_classes: int) -> "TATT":
        """Build the network for a prior of ``num_classes`` classes."""
        assert config.fixed_size is not None
        interpreter = PriorInterpreter(
            num_classes,
            config.width,
            config.fixed_size,
            heads=config.attention_heads,
            dropout=config.dropout,
            mix_batch=config.mix_batch,
            num_decoders=2,
            act=nn.PReLU(),
            encoded=True,
        )

        return cls(
            config,
            blocks=[SequentialResidualBlock(config.width, config.width) for _ in range(config.num_srbs)],
            guidance=interpreter,
            stn=SpatialTransformer(config.image_channels, align_corners=False) if config.stn else None,
            num_classes=num_classes,
        )
