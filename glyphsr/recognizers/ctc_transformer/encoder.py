"""From a line picture to one feature vector for every two columns, each aware of the whole line."""

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn


class ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions beside the input (ResNet)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C, h, w)`` -> the same."""
        return F.relu(x + self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x))))))


def _convolution(c_in: int, c_out: int, stride: tuple[int, int]) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(c_in, c_out, 3, stride=stride, padding=1, bias=False), nn.BatchNorm2d(c_out), nn.ReLU()
    )


def shape_features(channels: Sequence[int], blocks: Sequence[int], dim: int, height: int) -> nn.Sequential:
    """``(B, 3, height, W)`` -> ``(B, dim, 1, ceil(W / 2))``: strokes and shapes, without context.

    Args:
        channels: Of the stem and of the two stages.
        blocks: Residual blocks of the two stages.
        dim: Channels of the result.
        height: Of the input, a multiple of 4.
    """
    stem, first, second = channels
    return nn.Sequential(
        _convolution(3, stem, (1, 1)),
        _convolution(stem, first, (2, 1)),
        *(ResidualBlock(first) for _ in range(blocks[0])),
        _convolution(first, second, (2, 2)),
        *(ResidualBlock(second) for _ in range(blocks[1])),
        nn.Conv2d(second, dim, (height // 4, 1), bias=False),
        nn.BatchNorm2d(dim),
    )


class LineBlock(nn.Module):
    """A depthwise convolution that also tells positions apart, attention over the line, and a perceptron.

    Source: pre-norm transformer blocks with the convolutional positions of CPVT (Chu et al. 2021), so that lines of any
    length can be read.
    """

    KERNEL = 7

    def __init__(self, dim: int, heads: int, mlp_ratio: float) -> None:
        super().__init__()
        self.heads = heads
        self.position = nn.Conv1d(dim, dim, self.KERNEL, padding=self.KERNEL // 2, groups=dim)
        self.norm1 = nn.LayerNorm(dim)
        self.qkv = nn.Linear(dim, 3 * dim)
        self.out = nn.Linear(dim, dim)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = nn.Sequential(
            nn.Linear(dim, round(mlp_ratio * dim)), nn.GELU(), nn.Linear(round(mlp_ratio * dim), dim)
        )

    def forward(self, x: Tensor) -> Tensor:
        """``(B, T, dim)`` -> the same."""
        batch, steps, dim = x.shape
        # Positions by what stands around, so that lines may have any length.
        x = x + self.position(x.transpose(1, 2)).transpose(1, 2)
        q, k, v = self.qkv(self.norm1(x)).view(batch, steps, 3, self.heads, dim // self.heads).permute(2, 0, 3, 1, 4)
        # Written out: over so few steps torch's fused attention takes several times as long on CPUs to learn from.
        weights = (q @ k.transpose(2, 3) * (dim // self.heads) ** -0.5).softmax(dim=3)  # (B, heads, T, T)
        seen = weights @ v

        x = x + self.out(seen.transpose(1, 2).reshape(batch, steps, dim))
        return x + self.mlp(self.norm2(x))  # type: ignore[no-any-return]
