"""SIGA's U-shaped head: text foreground, one map per character, and the glyphs read off those."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from glyphsr.recognizers.siga.backbone import Features
from glyphsr.recognizers.siga.sequence import SequenceEncoder


def _conv(in_channels: int, out_channels: int, size: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, size, padding=size // 2), nn.BatchNorm2d(out_channels), nn.ReLU()
    )


def _double(channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.ConvTranspose2d(channels, channels, 4, stride=2, padding=1), nn.BatchNorm2d(channels), nn.ReLU()
    )


def _project(in_channels: int, out_channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False), nn.BatchNorm2d(out_channels), nn.ReLU()
    )


class GlyphHead(nn.Module):
    """Foreground at full size, character maps at a half and a quarter of it.

    Source: ``TongkunGuan/SIGA: SIGA_R/modules/Attention_Cls.py``. GlyphSR's class features are pooled as these are.

    Args:
        width: Channels of the backbone's first convolution.
        hidden: Width of glyph features.
        num_maps: Character maps, the background's first.
    """

    def __init__(self, width: int, hidden: int, num_maps: int) -> None:
        super().__init__()
        inner = 4 * width
        # The decoder half of a U-net, from a quarter to full size.
        self.conv1 = _conv(8 * width, 8 * width, 1)
        self.conv2 = _conv(8 * width, inner, 3)
        self.up1 = _double(inner)
        self.conv3 = _conv(inner + 2 * width, inner, 1)
        self.conv4 = _conv(inner, inner, 1)
        self.up2 = _double(inner)
        self.conv5 = _conv(inner + width, inner, 1)

        self.foreground = nn.Conv2d(inner, 2, kernel_size=1)
        self.quarter_maps = nn.Conv2d(inner, num_maps, kernel_size=1)
        self.half_maps = nn.Conv2d(inner, num_maps, kernel_size=1)

        # What is read under each character's map, along the characters.
        self.quarter_features = _project(8 * width, hidden)
        self.half_features = _project(2 * width, hidden)
        self.half_encoder = SequenceEncoder(hidden, hidden, layers=1)
        self.quarter_encoder = SequenceEncoder(hidden, hidden, layers=1)

    def forward(self, features: Features) -> tuple[Tensor, Tensor, Tensor]:
        """Logits of the foreground ``(B, 2, 32, 128)`` and maps ``(B, M, 16, 64)`` and ``(B, M, 8, 32)``."""
        # Up from a quarter to full size, with the backbone's features of each size beside.
        quarter = self.conv2(self.conv1(features.quarter))
        half = self.conv4(self.conv3(torch.cat([self.up1(quarter), features.half], dim=1)))
        full = self.conv5(torch.cat([self.up2(half), features.full], dim=1))
        return self.foreground(full), self.half_maps(half), self.quarter_maps(quarter)

    def glyphs(self, features: Features, half: Tensor, quarter: Tensor) -> tuple[Tensor, Tensor]:
        """Features of each character ``(B, T, hidden)``, from its map of either size."""
        return (
            self.half_encoder(_pooled(half, self.half_features(features.half))),
            self.quarter_encoder(_pooled(quarter, self.quarter_features(features.quarter))),
        )


def _pooled(maps: Tensor, features: Tensor) -> Tensor:
    """Features ``(B, C, h, w)`` under the softmax over places of each character's map: ``(B, T, C)``."""
    weights = F.softmax(maps[:, 1:].flatten(2), dim=2)
    return torch.bmm(weights, features.flatten(2).transpose(1, 2))
