"""TATT: the text prior reaches every place by attention."""

from torch import nn

from glyphsr.models.tatt.settings import TATTConfig
from glyphsr.nn.layers.prior_interpreter import PriorInterpreter
from glyphsr.nn.layers.residual_network import ResidualNetwork
from glyphsr.nn.layers.srb import SequentialResidualBlock
from glyphsr.nn.layers.stn import straightener


class TATT(ResidualNetwork):
    """TSRN whose blocks see the interpreted text prior; takes 16 x 64 pictures only.

    Source: ``mjq11302010044/TATT: model/tsrn.py``, class ``TSRN_TL_TRANS``.
    """

    @classmethod
    def from_config(cls, config: TATTConfig, *, num_classes: int) -> "TATT":
        """Build the network for a prior of ``num_classes`` classes."""
        interpreter = PriorInterpreter.from_config(config, num_classes, num_decoders=2, act=nn.PReLU(), encoded=True)
        return cls(
            config,
            blocks=[SequentialResidualBlock(config.width, config.width) for _ in range(config.num_srbs)],
            guidance=interpreter,
            stn=straightener(config),
            num_classes=num_classes,
        )
