"""TPGSR: every residual block sees the text prior."""

from glyphsr.models.tpgsr.settings import TPGSRConfig
from glyphsr.nn.layers.prior_transformer import PriorTransformer
from glyphsr.nn.layers.residual_network import ResidualNetwork
from glyphsr.nn.layers.srb import SequentialResidualBlock
from glyphsr.nn.layers.stn import straightener


class TPGSR(ResidualNetwork):
    """TSRN with a transformed text prior beside every block's features.

    Source: ``mjq11302010044/TPGSR: model/tsrn.py``, class ``TSRN_TL``; one stage.
    """

    @classmethod
    def from_config(cls, config: TPGSRConfig, *, num_classes: int) -> "TPGSR":
        """Build the network for a prior of ``num_classes`` classes."""
        return cls(
            config,
            blocks=[SequentialResidualBlock(config.width, config.prior_width) for _ in range(config.num_srbs)],
            guidance=PriorTransformer(num_classes, config.prior_hidden, config.prior_width, tall=False, gated=False),
            stn=straightener(config),
            num_classes=num_classes,
        )
