"""The residual network in front of ASTER's and ABINet's transformers and recurrent layers."""

import itertools
from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

GROWTH = (1, 1, 2, 4, 8, 16)
"""Channels after the stem and after each stage, in those of the stem."""

DEPTHS = (3, 4, 6, 6, 3)
"""Blocks of each stage."""


class ResidualBlock(nn.Module):
    """1x1 and 3x3 convolution with BatchNorm, ReLU between and after the sum; no biases.

    Args:
        in_channels: Channels that come in.
        out_channels: Channels that go out.
        stride: Of the block; ``None`` for one whose shortcut is the input itself.
        stride_late: Stride with the 3x3 convolution, else with the 1x1 convolution.
    """

    def __init__(
        self, in_channels: int, out_channels: int, stride: tuple[int, int] | None, *, stride_late: bool
    ) -> None:
        super().__init__()
        # ASTER reduces in the first convolution, ABINet in the second.
        first, second = (1, stride or 1) if stride_late else (stride or 1, 1)
        self.conv1 = nn.Conv2d(in_channels, out_channels, kernel_size=1, stride=first, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, kernel_size=3, stride=second, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.downsample: nn.Module | None = None
        # The short cut is a convolution wherever size or width changes.
        if stride:
            shortcut = nn.Conv2d(in_channels, out_channels, kernel_size=1, stride=stride, bias=False)
            self.downsample = nn.Sequential(shortcut, nn.BatchNorm2d(out_channels))

    def forward(self, x: Tensor) -> Tensor:
        """``(B, in_channels, h, w)`` -> ``(B, out_channels, h', w')``."""
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


class ResidualStages(nn.Module):
    """Stem and five stages.

    Source: ``ayumiymk/aster.pytorch: lib/models/resnet_aster.py``; ABINet's differs in its strides.

    Args:
        width: Channels of the stem; 32 as published.
        strides: Of each stage.
        stride_late: As in :class:`ResidualBlock`.
    """

    def __init__(self, width: int, strides: Sequence[tuple[int, int]], *, stride_late: bool) -> None:
        super().__init__()
        widths = [factor * width for factor in GROWTH]
        self.out_channels = widths[-1]
        stem = nn.Conv2d(3, width, kernel_size=3, padding=1, bias=False)
        self.stem = nn.Sequential(stem, nn.BatchNorm2d(width), nn.ReLU())
        self.stages = nn.ModuleList()
        for (i, o), depth, stride in zip(itertools.pairwise(widths), DEPTHS, strides, strict=True):
            blocks = [ResidualBlock(i, o, stride, stride_late=stride_late)]
            blocks += [ResidualBlock(o, o, None, stride_late=stride_late) for _ in range(depth - 1)]
            self.stages.append(nn.Sequential(*blocks))

    def forward(self, images: Tensor) -> Tensor:
        """``(B, 3, H, W)`` -> ``(B, 16 width, h, w)``."""
        x = self.stem(images)
        for stage in self.stages:
            x = stage(x)
        return x  # type: ignore[no-any-return]
