"""Convolutional backbone of PP-OCRv6's small recognizer, with its batch normalisations folded into the convolutions."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

OUT_CHANNELS = 384
"""Channels of the backbone's features."""

STAGES = ((96, 96, 3), (96, 192, 7), (192, 384, 3))
"""Input channels, output channels and blocks of each stage; all but the first begin by halving the rows."""


class Stem(nn.Module):
    """A quarter of the size, by two branches of which one is a maximum (as the stem of PP-HGNetV2)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 48, 3, stride=2, padding=1)
        self.conv2a = nn.Conv2d(48, 24, 2)
        self.conv2b = nn.Conv2d(24, 48, 2)
        self.conv3 = nn.Conv2d(96, 48, 3, stride=2, padding=1)
        self.conv4 = nn.Conv2d(48, 96, 1)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, 3, h, w)`` -> ``(B, 96, ceil(h / 4), ceil(w / 4))``."""
        x = F.relu(self.conv1(x))
        # Two branches at half the size: convolutions, and a maximum.
        fine = F.relu(self.conv2a(_pad_end(x)))
        fine = F.relu(self.conv2b(_pad_end(fine)))
        largest = F.max_pool2d(_pad_end(x), 2, stride=1)  # zeros are the least values after a ReLU
        x = F.relu(self.conv3(torch.cat([largest, fine], dim=1)))
        return F.relu(self.conv4(x))


def _pad_end(x: Tensor) -> Tensor:
    """One row below and one column to the right, so that an even kernel keeps the size."""
    return F.pad(x, (0, 1, 0, 1))


class SqueezeExcitation(nn.Module):
    """Gates channels by their means (Hu et al. 2018)."""

    REDUCTION = 4

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(channels, channels // self.REDUCTION, 1)
        self.expand = nn.Conv2d(channels // self.REDUCTION, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C, h, w)`` -> the same."""
        gate = self.expand(F.relu(self.reduce(x.mean(dim=(2, 3), keepdim=True))))
        return x * F.hardsigmoid(gate)


class MixerBlock(nn.Module):
    """A depthwise convolution over places, then a perceptron over channels (as RepViT's blocks).

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the result; where they differ the rows are halved and nothing is added.
        gated: Whether the convolution is followed by :class:`SqueezeExcitation`.
    """

    def __init__(self, in_channels: int, out_channels: int, *, gated: bool) -> None:
        super().__init__()
        self.shrinks = in_channels != out_channels
        stride = (2, 1) if self.shrinks else (1, 1)
        self.spatial = nn.Conv2d(in_channels, in_channels, 3, stride=stride, padding=1, groups=in_channels)
        self.gate = SqueezeExcitation(in_channels) if gated else nn.Identity()
        self.expand = nn.Conv2d(in_channels, 2 * in_channels, 1)
        self.reduce = nn.Conv2d(2 * in_channels, out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, in_channels, h, w)`` -> ``(B, out_channels, h or ceil(h / 2), w)``."""
        x = self.gate(self.spatial(x))
        mixed = self.reduce(F.gelu(self.expand(x)))
        return mixed if self.shrinks else x + mixed  # type: ignore[no-any-return]


class Backbone(nn.Module):
    """From a picture of 48 rows to one feature vector for every eight columns."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = Stem()
        blocks: list[MixerBlock] = []

        for in_channels, out_channels, count in STAGES:
            shrinks = in_channels != out_channels
            if shrinks:
                blocks.append(MixerBlock(in_channels, out_channels, gated=False))

            rest = count - int(shrinks)
            # Every other block has a gate, beginning with a stage's first one; the last has none.
            blocks += [
                MixerBlock(out_channels, out_channels, gated=number % 2 == 0 and number + 1 < rest)
                for number in range(rest)
            ]

        self.blocks = nn.Sequential(*blocks)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, 3, 48, W)`` -> ``(B, 384, 1, W // 8)``."""
        return F.avg_pool2d(self.blocks(self.stem(x)), (3, 2))
