"""ASRN's encoder: residual convolutions down to one row, then two bidirectional LSTMs."""

import itertools

import torch.nn.functional as F
from torch import Tensor, nn

from glyphsr.nn.layers.bidirectional_lstm import BidirectionalLSTM

GROWTH = (1, 1, 2, 4, 8, 16)
"""Channels after the stem and after each stage, in those of the stem."""

DEPTHS = (3, 4, 6, 6, 3)
STRIDES = ((2, 2), (2, 2), (2, 1), (2, 1), (2, 1))


def _conv_norm(in_channels: int, out_channels: int, kernel: int, stride: tuple[int, int] = (1, 1)) -> nn.Sequential:
    conv = nn.Conv2d(in_channels, out_channels, kernel, stride, padding=kernel // 2)
    return nn.Sequential(conv, nn.BatchNorm2d(out_channels, momentum=0.01))


class ResidualBlock(nn.Module):
    """Two convolutions with BatchNorm, nothing between them, one ReLU after the sum.

    Args:
        in_channels: Channels that come in.
        out_channels: Channels that go out.
        stride: Of the first convolution and the shortcut; ``None`` for an identity shortcut and a 1x1 first one.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: tuple[int, int] | None) -> None:
        super().__init__()
        self.conv1 = _conv_norm(in_channels, out_channels, 3 if stride else 1, stride or (1, 1))
        self.conv2 = _conv_norm(out_channels, out_channels, 3)
        self.downsample = _conv_norm(in_channels, out_channels, 3, stride) if stride else None

    def forward(self, x: Tensor) -> Tensor:
        """``(B, in_channels, h, w)`` -> ``(B, out_channels, h', w')``."""
        shortcut = x if self.downsample is None else self.downsample(x)
        return F.relu(self.conv2(self.conv1(x)) + shortcut)


class Encoder(nn.Module):
    """``(B, 1, 32, 100)`` -> ``(25, B, hidden)``.

    Source: ``Canjie-Luo/MORAN_v2: models/asrn_res.py``.

    Args:
        hidden: Units of each LSTM, per direction.
        width: Channels of the stem; 32 as published.
    """

    def __init__(self, hidden: int, width: int) -> None:
        super().__init__()
        widths = [factor * width for factor in GROWTH]
        self.stem = _conv_norm(1, width, 3)
        self.stages = nn.ModuleList()
        # The first block of each stage changes size and width.
        for (i, o), depth, stride in zip(itertools.pairwise(widths), DEPTHS, STRIDES, strict=True):
            blocks = [ResidualBlock(i, o, stride), *(ResidualBlock(o, o, None) for _ in range(depth - 1))]
            self.stages.append(nn.Sequential(*blocks))
        self.rnn = nn.Sequential(
            BidirectionalLSTM(widths[-1], hidden, hidden), BidirectionalLSTM(hidden, hidden, hidden)
        )

    def forward(self, gray: Tensor) -> Tensor:
        """Features of 25 columns, time first."""
        x = self.stem(gray)
        for stage in self.stages:
            x = stage(x)
        return self.rnn(x.squeeze(2).permute(2, 0, 1))  # type: ignore[no-any-return]
