"""The skeleton that TSRN gave the field: stem, residual blocks, tail, upsampler, head."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from glyphsr.config.networks import TrunkConfig
from glyphsr.models.layers.pixel_shuffle import PixelShuffleUpsampler
from glyphsr.models.layers.stem import Stem
from glyphsr.types import SROutput


class ResidualNetwork(nn.Module):
    """TSRN, TBSRN, TPGSR and TATT: they differ in their blocks and in what guides them.

    Args:
        config: Widths and channels.
        blocks: Residual blocks, called as ``block(features, hint)``.
        hint: Called as ``hint(prior, features)``, gives every block's guidance; ``None`` for no guidance.
        stn: Straightens the input while training, as published; ``None`` for a network without.
        num_classes: Classes K of the text prior, 0 without.
    """

    def __init__(
        self,
        config: TrunkConfig,
        *,
        blocks: Sequence[nn.Module],
        hint: nn.Module | None = None,
        stn: nn.Module | None = None,
        num_classes: int = 0,
    ) -> None:
        super().__init__()
        self.config = config
        self.num_classes = num_classes
        self.stem = Stem(config.image_channels, config.width)
        self.hint = hint
        self.blocks = nn.ModuleList(blocks)
        self.tail = nn.Sequential(nn.Conv2d(config.width, config.width, 3, padding=1), nn.BatchNorm2d(config.width))
        self.upsampler = PixelShuffleUpsampler(config.width)
        self.head = nn.Conv2d(config.width, config.image_channels, kernel_size=9, padding=4)
        self.stn = stn

    def forward(self, lr: Tensor, prior: Tensor | None = None) -> SROutput:
        """Super-resolve.

        Args:
            lr: ``(B, C, h, w)`` float in [0, 1], C as configured.
            prior: ``(B, K, 1, T)`` class probabilities; ``None`` stands for no prior (zeros, T = 26).

        Returns:
            ``sr`` is ``(B, C, 2h, 2w)`` in (-1, 1); there are no glyphs.
        """
        if self.stn is not None and self.training:
            lr = self.stn(lr)
        features = self.stem(lr)  # (B, width, h, w)
        hint = None
        if self.hint is not None:
            hint = self.hint(lr.new_zeros(len(lr), self.num_classes, 1, 26) if prior is None else prior, features)
        x = features
        for block in self.blocks:
            x = block(x, hint)
        x = self.upsampler(features + self.tail(x))
        return SROutput(sr=torch.tanh(self.head(x)), glyphs=None)
