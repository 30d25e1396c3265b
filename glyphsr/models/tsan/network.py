"""TSAN: deep residual groups, with attention to what is alike by content and by gradient."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from glyphsr.models.tsan.gradient_attention import GradientAttentions
from glyphsr.models.tsan.hash_attention import HashAttention
from glyphsr.models.tsan.settings import TSANConfig
from glyphsr.nn.layers.mish import mish
from glyphsr.nn.layers.residual_network import ResidualNetwork
from glyphsr.nn.layers.stn import straightener
from glyphsr.types import SROutput


class PlainBlock(nn.Module):
    """Two 3x3 convolutions with an activation between, beside the input."""

    def __init__(self, width: int, act: nn.Module, *, bias: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1, bias=bias)
        self.act = act
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, width, h, w)`` -> the same shape."""
        return x + self.conv2(self.act(self.conv1(x)))  # type: ignore[no-any-return]


class WeighedBlock(nn.Module):
    """The same without biases, its channels weighed by their means; the activation comes from outside."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.squeeze = nn.Conv2d(width, width // 4, 1, bias=False)
        self.excite = nn.Conv2d(width // 4, width, 1, bias=False)

    def forward(self, x: Tensor, act: nn.Module) -> Tensor:
        """``(B, width, h, w)`` -> the same shape."""
        residual = self.conv2(act(self.conv1(x)))
        mean = F.relu(self.squeeze(residual.mean(dim=(2, 3), keepdim=True)))
        return x + residual * self.excite(mean).sigmoid()  # type: ignore[no-any-return]


class WeighedGroup(nn.Module):
    """Nine weighed blocks and a convolution, beside the input."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(WeighedBlock(width) for _ in range(9))
        self.tail = nn.Conv2d(width, width, 3, padding=1, bias=False)

    def forward(self, x: Tensor, act: nn.Module) -> Tensor:
        """``(B, width, h, w)`` -> the same shape."""
        y = x
        for block in self.blocks:
            y = block(y, act)
        return x + self.tail(y)  # type: ignore[no-any-return]


class CascadedGroups(nn.Module):
    """A block of the trunk: two convolutions and three weighed groups that share one activation.

    Args:
        width: Channels, a multiple of 4.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)
        self.bn2 = nn.BatchNorm2d(width)
        self.act = nn.PReLU()
        self.groups = nn.ModuleList(WeighedGroup(width) for _ in range(3))
        for parameter in self.parameters():
            if parameter.dim() > 1:
                nn.init.xavier_uniform_(parameter)

    def forward(self, x: Tensor, guidance: Tensor | None = None) -> Tensor:
        """``(B, width, h, w)`` -> the same shape; there is no guidance."""
        del guidance
        residual = self.bn2(self.conv2(mish(self.bn1(self.conv1(x)))))
        for group in self.groups:
            residual = group(residual, self.act)
        return x + residual  # type: ignore[no-any-return]


class TSAN(ResidualNetwork):
    """The network of "Gradient-based graph attention for scene text image super-resolution".

    Source: ``xyzhu1/TSAN: model/network.py``, class ``NETWORK``.
    """

    def __init__(self, config: TSANConfig) -> None:
        width = config.width
        blocks = [CascadedGroups(width) for _ in range(config.num_srbs)]
        super().__init__(config, blocks=blocks, stn=straightener(config))
        self.hash_attention = HashAttention(width)
        self.body = nn.Sequential(*(PlainBlock(width, nn.LeakyReLU(0.1), bias=False) for _ in range(3)))
        self.gradient_attention = GradientAttentions(width)
        self.merge = nn.Conv2d(2 * width, width, 1)
        self.refine = nn.Sequential(*(PlainBlock(width, nn.PReLU(), bias=True) for _ in range(4)))

    @classmethod
    def from_config(cls, config: TSANConfig, *, num_classes: int = 0) -> "TSAN":
        """Build the network; it has no use for a text prior, so ``num_classes`` is ignored."""
        del num_classes
        return cls(config)

    def forward(self, lr: Tensor, prior: Tensor | None = None) -> SROutput:
        """Super-resolve.

        Args:
            lr: ``(B, C, h, w)`` float in [0, 1], C as configured.
            prior: Of no use here.

        Returns:
            ``sr`` is ``(B, C, 2h, 2w)`` in (-1, 1); there are no glyphs.
        """
        del prior
        lr = self.straighten(lr)

        features = self.body(self.hash_attention(self.stem(lr)))  # (B, width, h, w)
        x = features
        for block in self.blocks:
            x = block(x)
        # What patches with similar edges say, beside what the trunk says.
        shared = self.gradient_attention(features, lr)
        x = self.refine(self.merge(torch.cat([self.tail(x), shared], dim=1)))
        return SROutput(sr=self.draw(features + x), glyphs=None)
