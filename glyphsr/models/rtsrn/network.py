"""RTSRN: recurrent residual blocks with Wave-MLP, guided by recognition and language clue."""

import math
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from glyphsr.models.rtsrn.settings import RTSRNConfig
from glyphsr.models.rtsrn.wave import WaveBlock
from glyphsr.nn.layers.clued_prior import CluedPrior
from glyphsr.nn.layers.gru_block import GRUBlock
from glyphsr.nn.layers.mish import mish
from glyphsr.nn.layers.residual_network import ResidualNetwork
from glyphsr.nn.layers.stn import SpatialTransformer
from glyphsr.types import SROutput


class WaveResidualBlock(nn.Module):
    """A wave block in the place of a sequential residual block's convolutions."""

    def __init__(self, width: int, prior_width: int) -> None:
        super().__init__()
        self.wave = WaveBlock(width)
        self.vertical_gru = GRUBlock(width + prior_width, width, axis="vertical")
        self.horizontal_gru = GRUBlock(width, width, axis="horizontal")

    def forward(self, x: Tensor, guidance: Tensor) -> Tensor:
        """``(B, width, h, w)`` and ``(B, prior_width, h, w)`` -> ``(B, width, h, w)``."""
        residual = self.vertical_gru(torch.cat([self.wave(x), guidance], dim=1))
        return self.horizontal_gru(x + residual)  # type: ignore[no-any-return]


class NeighbourAttention(nn.Module):
    """Every pixel attends to the 3 x 3 around it, as far as it has learned to want that.

    Args:
        width: Channels.
        dropout: Rate on the weights, in training only.
    """

    def __init__(self, width: int, dropout: float = 0.4) -> None:
        super().__init__()
        self.gate = nn.Parameter(torch.zeros(1))
        self.project = nn.Conv2d(width, 3 * width, 1, bias=False)
        self.norm = nn.BatchNorm2d(width)
        self.dropout = nn.Dropout(dropout)

    def attend(self, x: Tensor) -> Tensor:
        """Attention alone: ``(B, width, H, W)`` -> the same shape."""
        height, width = x.shape[-2:]

        query, keys, values = self.project(x).chunk(3, dim=1)
        # Places outside the picture take part with a score of 0.
        keys, values = (F.pad(part, (1, 1, 1, 1)) for part in (keys, values))
        windows = [(slice(i, i + height), slice(j, j + width)) for i in range(3) for j in range(3)]
        # Nine shifted products instead of nine copies of the map: (B, 9, H, W).
        scores = torch.stack([(query * keys[:, :, rows, columns]).sum(dim=1) for rows, columns in windows], dim=1)
        weights = self.dropout((scores / math.sqrt(query.shape[1])).softmax(dim=1))  # (B, 9, H, W)

        mixed = torch.zeros_like(query)
        for weight, (rows, columns) in zip(weights.unbind(dim=1), windows, strict=True):
            mixed = mixed + weight[:, None] * values[:, :, rows, columns]
        return mixed

    def forward(self, x: Tensor) -> Tensor:
        """``(B, width, H, W)`` -> the same shape."""
        return (1 - self.gate) * x + self.gate * mish(self.norm(self.attend(x)))


class RTSRN(ResidualNetwork):
    """One stage of RTSRN, its language model included.

    Source: ``wenyu1009/RTSRN: model/rtsrn.py``. The published evaluation runs the language model outside the network;
    here it is part of the guidance.
    """

    def __init__(self, config: RTSRNConfig, *, num_classes: int) -> None:
        super().__init__(
            config,
            blocks=[WaveResidualBlock(config.width, config.prior_width) for _ in range(config.num_srbs)],
            guidance=CluedPrior(config, num_classes),
            stn=SpatialTransformer(config.image_channels) if config.stn else None,
            num_classes=num_classes,
        )
        self.neighbours = NeighbourAttention(config.width)

    @classmethod
    def from_config(cls, config: RTSRNConfig, *, num_classes: int) -> "RTSRN":
        """Build the network for a prior of ``num_classes`` classes."""
        return cls(config, num_classes=num_classes)

    def forward(self, lr: Tensor, prior: Tensor | None = None, clue: Tensor | None = None) -> SROutput:
        """Super-resolve.

        Args:
            lr: ``(B, C, h, w)`` float in [0, 1], C as configured.
            prior: ``(B, K, 1, T)`` class probabilities; ``None`` stands for no prior (zeros, T = 26).
            clue: Language clue of the same shape to use instead of the language model's.

        Returns:
            ``sr`` is ``(B, C, 2h, 2w)`` in (-1, 1); there are no glyphs.
        """
        lr = self.straighten(lr)
        features = self.stem(lr)
        guidance, prior = cast("CluedPrior", self.guidance), self.prior_or_none(lr, prior)
        # A clue from outside, as the published evaluation gives it; else that of the language model.
        if clue is None:
            return self.finish(features, *guidance.guide(prior, features))
        return self.finish(features, guidance(prior, features, clue))

    def draw(self, x: Tensor) -> Tensor:
        """Features ``(B, width, h, w)`` -> pixels ``(B, C, 2h, 2w)``."""
        return torch.tanh(self.head(self.neighbours(self.upsampler(x))))
