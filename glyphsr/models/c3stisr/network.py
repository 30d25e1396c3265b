"""C3-STISR: every residual block sees the text prior, alone or with what a language model makes of it."""

from torch import Tensor, nn

from glyphsr.models.c3stisr.settings import C3STISRConfig
from glyphsr.nn.layers.clued_prior import CluedPrior
from glyphsr.nn.layers.prior_transformer import PriorTransformer
from glyphsr.nn.layers.residual_network import Guidance, ResidualNetwork
from glyphsr.nn.layers.srb import SequentialResidualBlock
from glyphsr.nn.layers.stn import straightener


class C3STISR(ResidualNetwork):
    """TPGSR's trunk, guided by clues.

    Source: ``JingyeChen/C3-STISR: model/tsrn.py``, class ``TSRN_TL``. The release computes fused guidance and gives
    the plain prior to the blocks; with ``guidance="fused"`` they get the fused one, as the paper says. The paper's
    third clue, a visual one, is not in the release.
    """

    @classmethod
    def from_config(cls, config: C3STISRConfig, *, num_classes: int) -> "C3STISR":
        """Build the network for a prior of ``num_classes`` classes."""
        guidance: nn.Module
        if config.guidance == "fused":
            guidance = CluedPrior(config, num_classes)
        else:
            guidance = PriorTransformer(num_classes, config.prior_hidden, config.prior_width, gated=False)
        return cls(
            config,
            blocks=[SequentialResidualBlock(config.width, config.prior_width) for _ in range(config.num_srbs)],
            guidance=guidance,
            stn=straightener(config),
            num_classes=num_classes,
        )

    def guide(self, lr: Tensor, prior: Tensor | None, features: Tensor) -> Guidance:
        """The guidance of every block; the reading is the language model's, where there is one."""
        if not isinstance(self.guidance, CluedPrior):
            return super().guide(lr, prior, features)
        return self.guidance.guide(self.prior_or_none(lr, prior), features)
