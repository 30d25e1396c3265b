"""SIGA's ResNet-45 down to one row of columns, with the three feature levels that its segmentation reads."""

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True, eq=False)
class Features:
    """What the backbone gives for pictures of 32 x 128."""

    full: Tensor
    """``(B, width, 32, 128)``."""
    half: Tensor
    """``(B, 2 width, 16, 64)``."""
    quarter: Tensor
    """``(B, 8 width, 8, 32)``."""
    columns: Tensor
    """``(B, 32, 16 width)``."""


class ResidualBlock(nn.Module):
    """1x1 and strided 3x3 convolution with BatchNorm, ReLU between and after the sum; no biases."""

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, kernel_size=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.downsample: nn.Module | None = None
        if stride != 1 or in_channels != out_channels:
            shortcut = nn.Conv2d(in_channels, out_channels, kernel_size=1, stride=stride, bias=False)
            self.downsample = nn.Sequential(shortcut, nn.BatchNorm2d(out_channels))

    def forward(self, x: Tensor) -> Tensor:
        """``(B, in_channels, h, w)`` -> ``(B, out_channels, h', w')``."""
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


def _stage(in_channels: int, out_channels: int, depth: int, stride: int = 1) -> nn.Sequential:
    rest = (ResidualBlock(out_channels, out_channels) for _ in range(depth - 1))
    return nn.Sequential(ResidualBlock(in_channels, out_channels, stride), *rest)


class Backbone(nn.Module):
    """``(B, 3, 32, 128)`` -> :class:`Features`.

    Source: ``TongkunGuan/SIGA: SIGA_R/modules/feature_extraction.py``.

    Args:
        width: Channels of the first convolution; 32 as published.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, width, kernel_size=3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()
        )

        self.stage1 = _stage(width, width, 3, stride=2)
        self.stage2 = _stage(width, 2 * width, 4)
        self.stage3 = _stage(2 * width, 4 * width, 6, stride=2)
        self.stage4 = _stage(4 * width, 8 * width, 6)

        # Height alone from here on, down to one row of columns.
        wide = 16 * width
        self.stage5 = _stage(8 * width, wide, 3)
        self.stage6 = _stage(wide, wide, 2)
        self.conv6 = nn.Sequential(
            nn.Conv2d(wide, wide, kernel_size=3, padding=1, bias=False), nn.BatchNorm2d(wide), nn.ReLU()
        )
        self.stage7 = _stage(wide, wide, 1)

        self.flatten1 = self._flatten(wide, stride=2)
        self.flatten2 = self._flatten(wide, stride=1)

    @staticmethod
    def _flatten(width: int, stride: int) -> nn.Sequential:
        """Two rows become one."""
        conv = nn.Conv2d(width, width, kernel_size=(2, 3), stride=(stride, 1), padding=(0, 1), bias=False)
        return nn.Sequential(conv, nn.BatchNorm2d(width), nn.ReLU())

    def forward(self, image: Tensor) -> Features:
        """Feature levels and columns."""
        full = self.stem(image)
        half = self.stage2(self.stage1(full))
        quarter = self.stage4(self.stage3(half))
        # From here on the height alone shrinks: 32 columns stay.
        x = F.max_pool2d(self.stage5(quarter), kernel_size=(2, 3), stride=(2, 1), padding=(0, 1))  # (B, C, 4, 32)
        x = self.flatten2(self.flatten1(self.stage7(self.conv6(self.stage6(x)))))  # (B, C, 1, 32)
        return Features(full, half, quarter, x.mean(dim=2).transpose(1, 2))
