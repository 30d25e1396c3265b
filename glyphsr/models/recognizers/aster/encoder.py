"""ASTER's encoder: a residual network down to one row, then a two-layer bidirectional LSTM."""

import itertools

import torch.nn.functional as F
from torch import Tensor, nn

GROWTH = (1, 1, 2, 4, 8, 16)
"""Channels behind the stem and behind each stage, in those of the stem."""

DEPTHS = (3, 4, 6, 6, 3)
STRIDES = ((2, 2), (2, 2), (2, 1), (2, 1), (2, 1))


class ResidualBlock(nn.Module):
    """1x1 and 3x3 convolution with BatchNorm, ReLU between and behind the sum; no biases."""

    def __init__(self, in_channels: int, out_channels: int, stride: tuple[int, int] | None) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, kernel_size=1, stride=stride or (1, 1), bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, kernel_size=3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.downsample: nn.Module | None = None
        if stride:
            shortcut = nn.Conv2d(in_channels, out_channels, kernel_size=1, stride=stride, bias=False)
            self.downsample = nn.Sequential(shortcut, nn.BatchNorm2d(out_channels))

    def forward(self, x: Tensor) -> Tensor:
        """``(B, in_channels, h, w)`` -> ``(B, out_channels, h', w')``."""
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


class Encoder(nn.Module):
    """``(B, 3, 32, 100)`` -> ``(B, 25, out_channels)``.

    Source: ``ayumiymk/aster.pytorch: lib/models/resnet_aster.py``.

    Args:
        width: Channels of the stem; 32 as published.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        widths = [factor * width for factor in GROWTH]
        self.out_channels = widths[-1]
        stem = nn.Conv2d(3, width, kernel_size=3, padding=1, bias=False)
        self.stem = nn.Sequential(stem, nn.BatchNorm2d(width), nn.ReLU())
        self.stages = nn.ModuleList()
        for (i, o), depth, stride in zip(itertools.pairwise(widths), DEPTHS, STRIDES, strict=True):
            blocks = [ResidualBlock(i, o, stride), *(ResidualBlock(o, o, None) for _ in range(depth - 1))]
            self.stages.append(nn.Sequential(*blocks))
        self.rnn = nn.LSTM(widths[-1], widths[-1] // 2, num_layers=2, batch_first=True, bidirectional=True)

    def forward(self, images: Tensor) -> Tensor:
        """Features of 25 columns."""
        x = self.stem(images)
        for stage in self.stages:
            x = stage(x)
        features: Tensor = self.rnn(x.squeeze(2).transpose(1, 2))[0]
        return features
