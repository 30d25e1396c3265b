"""Learned doubling of the resolution."""

import torch.nn.functional as F
from torch import Tensor, nn


class PixelShuffleUpsampler(nn.Module):
    """3x3 convolution to four times the channels, pixel shuffle by 2, mish.

    Source: TSRN's up-sample block (``WenjiaWang0312/TextZoom: src/model/tsrn.py``).
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, 4 * width, kernel_size=3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, width, h, w)`` -> ``(B, width, 2h, 2w)``."""
        return F.mish(F.pixel_shuffle(self.conv(x), 2))
