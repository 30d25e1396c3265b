"""TBSRN: residual blocks whose places attend to each other."""

import torch
from torch import Tensor, nn

from glyphsr.models.tbsrn.settings import TBSRNConfig
from glyphsr.nn.layers.attention import FeedForward, MultiHeadAttention, UnbiasedLayerNorm, sinusoidal_code
from glyphsr.nn.layers.mish import mish
from glyphsr.nn.layers.residual_network import ResidualNetwork
from glyphsr.nn.layers.stn import straightener


def position_map(height: int, width: int, channels: int) -> Tensor:
    """Sinusoidal code of the column in the first half of the channels, of the row in the second.

    Returns:
        ``(channels, height, width)`` float32.
    """
    half = channels // 2
    columns = sinusoidal_code(width, half).T[:, None, :].expand(half, height, width)
    rows = sinusoidal_code(height, half).T[:, :, None].expand(half, height, width)
    return torch.cat([columns, rows])


class FeatureEnhancer(nn.Module):
    """One transformer encoder layer over all places of a feature map, its position code beside the features."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.attention = MultiHeadAttention(2 * width, heads, dropout)
        self.norm1 = UnbiasedLayerNorm(2 * width)
        self.feed_forward = FeedForward(2 * width, 2 * width, dropout)
        self.norm2 = UnbiasedLayerNorm(2 * width)
        self.project = nn.Linear(2 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, width, h, w)`` -> the same shape."""
        batch, channels, height, width = x.shape
        code = position_map(height, width, channels).to(x).expand(batch, -1, -1, -1)
        places = torch.cat([x, code], dim=1).flatten(2).transpose(1, 2)  # (B, h w, 2 width)
        places = self.norm1(places + self.attention(places))
        places = self.norm2(places + self.feed_forward(places))
        return self.project(places).transpose(1, 2).view_as(x)  # type: ignore[no-any-return]


class TransformerResidualBlock(nn.Module):
    """Two 3x3 convolutions with BatchNorm and mish, self-attention, residual sum."""

    def __init__(self, config: TBSRNConfig) -> None:
        super().__init__()
        width = config.width
        self.conv1 = nn.Conv2d(width, width, kernel_size=3, padding=1)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, kernel_size=3, padding=1)
        self.bn2 = nn.BatchNorm2d(width)
        self.enhancer = FeatureEnhancer(width, config.attention_heads, config.dropout)

    def forward(self, x: Tensor, guidance: Tensor | None = None) -> Tensor:
        """``(B, width, h, w)`` -> the same shape; there is no guidance."""
        del guidance
        residual = self.bn2(self.conv2(mish(self.bn1(self.conv1(x)))))
        return x + self.enhancer(residual)  # type: ignore[no-any-return]


class TBSRN(ResidualNetwork):
    """The network of Scene Text Telescope.

    Source: ``FudanVI/FudanOCR: scene-text-telescope/model/tbsrn.py``. Attention grows with the square of the number of
    places, 1,024 in a 16 x 64 picture.
    """

    @classmethod
    def from_config(cls, config: TBSRNConfig, *, num_classes: int = 0) -> "TBSRN":
        """Build the network; it has no use for a text prior, so ``num_classes`` is ignored."""
        del num_classes
        blocks = [TransformerResidualBlock(config) for _ in range(config.num_srbs)]
        return cls(config, blocks=blocks, stn=straightener(config))
