"""Neck of PP-OCR's recognizers: attention along the line, beside a shortcut."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

WIDTH, HEADS, MLP_RATIO, DEPTH, KERNEL = 120, 8, 2, 2, 7
"""Channels, attention heads, width of the perceptrons, number of blocks, columns that a local convolution sees."""


class FrozenBatchNorm2d(nn.Module):
    """Batch normalisation whose statistics and factors are not learned; torchvision's takes seconds to import.

    Args:
        channels: Of the input.
    """

    EPSILON = 1e-5

    weight: Tensor
    bias: Tensor
    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        for name, value in (("weight", 1.0), ("bias", 0.0), ("running_mean", 0.0), ("running_var", 1.0)):
            self.register_buffer(name, torch.full((channels,), value))

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C, h, w)`` -> the same shape."""
        scale = self.weight * (self.running_var + self.EPSILON).rsqrt()
        shift = self.bias - self.running_mean * scale
        return x * scale[:, None, None] + shift[:, None, None]


class ConvNormSwish(nn.Module):
    """A convolution, a batch normalisation whose statistics stay as published, and a swish."""

    def __init__(self, in_channels: int, out_channels: int, kernel: tuple[int, int] = (1, 1), groups: int = 1) -> None:
        super().__init__()
        padding = (kernel[0] // 2, kernel[1] // 2)
        self.conv = nn.Conv2d(in_channels, out_channels, kernel, padding=padding, groups=groups, bias=False)
        self.norm = FrozenBatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, in_channels, h, w)`` -> ``(B, out_channels, h, w)``."""
        return F.silu(self.norm(self.conv(x)))


class AttentionBlock(nn.Module):
    """Self-attention and a perceptron, each normalised first and added to its input."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(WIDTH)
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH)
        self.out = nn.Linear(WIDTH, WIDTH)
        self.norm2 = nn.LayerNorm(WIDTH)
        self.fc1 = nn.Linear(WIDTH, MLP_RATIO * WIDTH)
        self.fc2 = nn.Linear(MLP_RATIO * WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, T, 120)`` -> the same."""
        batch, steps, _ = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(batch, steps, 3, HEADS, WIDTH // HEADS).permute(2, 0, 3, 1, 4)
        # Written out: over so few steps torch's fused attention takes longer on CPUs to learn from.
        weights = (q * (WIDTH // HEADS) ** -0.5 @ k.transpose(2, 3)).softmax(dim=3)  # (B, heads, T, T)
        x = x + self.out((weights @ v).transpose(1, 2).reshape(batch, steps, WIDTH))

        return x + self.fc2(F.silu(self.fc1(self.norm2(x))))  # type: ignore[no-any-return]


class SVTRNeck(nn.Module):
    """Mixes along the line what the backbone saw (Du et al. 2022, as PP-OCR uses it).

    Args:
        in_channels: Channels of the backbone.
    """

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.shortcut = ConvNormSwish(in_channels, WIDTH)
        self.reduce = ConvNormSwish(in_channels, WIDTH)
        self.local = ConvNormSwish(WIDTH, WIDTH, (1, KERNEL), groups=WIDTH)
        self.blocks = nn.ModuleList(AttentionBlock() for _ in range(DEPTH))
        self.norm = nn.LayerNorm(WIDTH)

    def forward(self, features: Tensor) -> Tensor:
        """``(B, in_channels, 1, T)`` -> ``(B, T, 120)``."""
        reduced = self.reduce(features)
        x = (reduced + self.local(reduced))[:, :, 0].transpose(1, 2)  # (B, T, 120)
        for block in self.blocks:
            x = block(x)

        return self.norm(x) + self.shortcut(features)[:, :, 0].transpose(1, 2)  # type: ignore[no-any-return]
