"""The Telescope recognizer's encoder: convolutions and residual groups at a quarter of the size."""

import itertools

import torch.nn.functional as F
from torch import Tensor, nn

GROUPS = ((256, 1, 256), (256, 2, 256), (512, 5, 512), (512, 3, 1024))
"""Width and depth of each residual group, and the width of the convolution after it."""


def _conv_norm(in_channels: int, out_channels: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(in_channels, out_channels, kernel_size=3, padding=1), nn.BatchNorm2d(out_channels))


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with BatchNorm, ReLU between and after the sum."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv1 = _conv_norm(in_channels, out_channels)
        self.conv2 = _conv_norm(out_channels, out_channels)
        self.downsample = _conv_norm(in_channels, out_channels) if in_channels != out_channels else None

    def forward(self, x: Tensor) -> Tensor:
        """``(B, in_channels, h, w)`` -> ``(B, out_channels, h, w)``."""
        shortcut = x if self.downsample is None else self.downsample(x)
        return F.relu(self.conv2(F.relu(self.conv1(x))) + shortcut)


class Encoder(nn.Module):
    """``(B, 1, 32, 128)`` -> ``(B, 1024, 8, 32)``.

    Source: ``FudanVI/FudanOCR: scene-text-telescope/loss/transformer.py``; only its first two poolings are called.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = _conv_norm(1, 64)
        self.conv2 = _conv_norm(64, 128)
        self.groups = nn.ModuleList()
        self.transitions = nn.ModuleList()
        widths = (128, *(after for _, _, after in GROUPS))
        for (before, after), (width, depth, _) in zip(itertools.pairwise(widths), GROUPS, strict=True):
            blocks = [ResidualBlock(before, width), *(ResidualBlock(width, width) for _ in range(depth - 1))]
            self.groups.append(nn.Sequential(*blocks))
            self.transitions.append(_conv_norm(width, after))

    def forward(self, gray: Tensor) -> Tensor:
        """A quarter of the height and width."""
        x = F.max_pool2d(F.relu(self.conv1(gray)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        for group, transition in zip(self.groups, self.transitions, strict=True):
            x = F.relu(transition(group(x)))
        return x
