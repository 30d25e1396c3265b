"""The skeleton that TSRN gave the field: stem, residual blocks, tail, upsampler, head."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from glyphsr.config.trunk import TrunkConfig
from glyphsr.nn.layers.pixel_shuffle import PixelShuffleUpsampler
from glyphsr.nn.layers.stem import Stem
from glyphsr.types import SROutput


class Guidance(NamedTuple):
    """What guides the blocks, and what was read for it."""

    guidance: Tensor | None
    """``(B, D, h, w)``; ``None`` for a network without."""
    readings: tuple[Tensor, ...] = ()
    """Logits ``(B, T, K)`` of the network's own readers."""


class ResidualNetwork(nn.Module):
    """The networks of TSRN's lineage: they differ in their blocks and in what guides them.

    A network that departs from the skeleton in more than these overrides the step where it does.

    Args:
        config: Widths and channels.
        blocks: Residual blocks, called as ``block(features, guidance)``.
        guidance: Called as ``guidance(prior, features)``, gives every block's guidance; ``None`` for no guidance.
        stn: Straightens the input while training, as published; ``None`` for a network without.
        num_classes: Classes K of the text prior, 0 without.
    """

    def __init__(
        self,
        config: TrunkConfig,
        *,
        blocks: Sequence[nn.Module],
        guidance: nn.Module | None = None,
        stn: nn.Module | None = None,
        num_classes: int = 0,
    ) -> None:
        super().__init__()
        self.config = config
        self.num_classes = num_classes
        self.stem = Stem(config.image_channels, config.width)
        self.guidance = guidance
        self.blocks = nn.ModuleList(blocks)
        self.tail = nn.Sequential(nn.Conv2d(config.width, config.width, 3, padding=1), nn.BatchNorm2d(config.width))
        self.upsampler = PixelShuffleUpsampler(config.width)
        self.head = nn.Conv2d(config.width, config.image_channels, kernel_size=9, padding=4)
        self.stn = stn

    @property
    def untaught(self) -> tuple[nn.Module, ...]:
        """Parts that no loss on pictures reaches."""
        return ()

    def forward(self, lr: Tensor, prior: Tensor | None = None) -> SROutput:
        """Super-resolve.

        Args:
            lr: ``(B, C, h, w)`` float in [0, 1], C as configured.
            prior: ``(B, K, 1, T)`` class probabilities; ``None`` stands for no prior (zeros, T = 26).

        Returns:
            ``sr`` is ``(B, C, 2h, 2w)`` in (-1, 1), if the class does not say otherwise; there are no glyphs.
        """
        lr = self.straighten(lr)
        features = self.stem(lr)  # (B, width, h, w)
        return self.finish(features, *self.guide(lr, prior, features))

    def straighten(self, lr: Tensor) -> Tensor:
        """The picture as the network sees it: straightened while training, where it has a spatial transformer."""
        return self.stn(lr) if self.stn is not None and self.training else lr

    def guide(self, lr: Tensor, prior: Tensor | None, features: Tensor) -> Guidance:
        """The guidance of every block, and what was read for it."""
        return Guidance(None if self.guidance is None else self.guidance(self.prior_or_none(lr, prior), features))

    def prior_or_none(self, lr: Tensor, prior: Tensor | None) -> Tensor:
        """The text prior ``(B, K, 1, T)``, zeros where there is none."""
        return lr.new_zeros(len(lr), self.num_classes, 1, 26) if prior is None else prior

    def finish(self, features: Tensor, guidance: Tensor | None, readings: tuple[Tensor, ...] = ()) -> SROutput:
        """From the stem's features and the guidance to the picture."""
        x = features
        for block in self.blocks:
            x = block(x, guidance)

        x = self.tail(x)
        readings = (*readings, *self.read_features(x))
        return SROutput(sr=self.draw(features + x), glyphs=None, readings=readings)

    def read_features(self, x: Tensor) -> tuple[Tensor, ...]:
        """Logits ``(B, T, K)`` of texts that the network reads in the tail's output ``(B, width, h, w)``."""
        del x
        return ()

    def draw(self, x: Tensor) -> Tensor:
        """Features ``(B, width, h, w)`` -> pixels ``(B, C, 2h, 2w)``."""
        return torch.tanh(self.upsampler.then(self.head, x))
