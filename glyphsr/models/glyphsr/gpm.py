"""Glyph Perception Module: predicts maps of the line and of each character, and their classes."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from glyphsr.config.glyph_perception import GPMConfig
from glyphsr.nn.layers.gru_block import GRUBlock
from glyphsr.types import GlyphOutput


@dataclass(frozen=True)
class GlyphHeads:
    """Which outputs of the GPM are wanted in one pass."""

    line: bool = True
    chars: bool = True
    classes: bool = True


def _conv_bn_relu(in_channels: int, out_channels: int, *, bias: bool = True) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel_size=3, padding=1, bias=bias),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(),
    )


class GlyphPerceptionModule(nn.Module):
    """U-shaped head that predicts glyph maps and character classes (paper, section "GPM", eqs. 1-4).

    Classes are predicted from features that ``chars * line`` pools. Both maps are therefore computed wherever classes
    are, even without supervision of their own.

    Source: ``TriplePool/GlyphSR: model/GlyphSR.py``, whose defaults are ours: one pooling, softmax over positions,
    projected features. The paper's equation 3 and its three levels are options.

    Args:
        in_channels: Channels of the trunk.
        config: Sizes, options and the tasks that are supervised.
        heads: Heads to build; by default those of the tasks of ``config``.
    """

    def __init__(self, in_channels: int, config: GPMConfig, *, heads: GlyphHeads | None = None) -> None:
        super().__init__()
        heads = heads or GlyphHeads(line=config.line, chars=config.char, classes=config.cls)
        width = config.width
        self.config = config

        # One trunk for both heads: convolutions, context along the line, convolutions.
        self.conv0 = _conv_bn_relu(in_channels, width)
        self.conv1 = _conv_bn_relu(width, 2 * width)
        self.conv2 = _conv_bn_relu(2 * width, 2 * width)
        self.gru = GRUBlock(2 * width, 2 * width, axis="horizontal")
        self.conv3 = _conv_bn_relu(2 * width, 2 * width)
        self.conv4 = _conv_bn_relu(2 * width, width)
        self.conv5 = _conv_bn_relu(width, width // 2)

        # Classes are pooled under the maps, so that they need both.
        self.char_head = nn.Conv2d(width // 2, config.num_slots, 3, padding=1) if heads.chars or heads.classes else None
        self.line_head = nn.Conv2d(width // 2, 1, 3, padding=1) if heads.line or heads.classes else None

        projected = heads.classes and config.class_features == "projected"
        self.class_features = _conv_bn_relu(in_channels, 2 * width, bias=False) if projected else None
        pooled = 2 * width if projected else in_channels
        self.class_head = nn.Linear(pooled, config.num_classes) if heads.classes else None

    def forward(self, x: Tensor, wanted: GlyphHeads) -> GlyphOutput:
        """Predict the outputs that are wanted, as far as their heads were built.

        Args:
            x: Trunk features ``(B, in_channels, h, w)``, h and w at least 2 (at least 4 with three levels).
            wanted: Heads to run; the rest is ``None`` in the output.
        """
        full = self.conv0(x)  # (B, width, h, w)
        half = self.conv1(F.max_pool2d(full, 2))  # (B, 2 width, h / 2, w / 2)
        # Down, along the line by the GRU, and up again with sums over equal sizes.
        y = F.max_pool2d(half, 2) if self.config.levels == 3 else half
        y = _resized_like(self.conv3(self.gru(self.conv2(y))), half) + half
        y = _resized_like(self.conv4(y), full) + full
        y = self.conv5(y)
        classify = wanted.classes and self.class_head is not None

        # Classes need both maps, also where these are not wanted themselves.
        chars = self.char_head(y) if self.char_head is not None and (wanted.chars or classify) else None
        line = self.line_head(y) if self.line_head is not None and (wanted.line or classify) else None
        classes = self._classify(x, chars, line) if classify else None
        return GlyphOutput(line=line, chars=chars, classes=classes)

    def _classify(self, x: Tensor, chars: Tensor | None, line: Tensor | None) -> Tensor:
        assert chars is not None
        assert line is not None
        assert self.class_head is not None
        attention = (chars * line).flatten(2)  # (B, L, h * w)
        # Then classes teach their own head alone, and not where characters are.
        if self.config.detach_classes:
            attention = attention.detach()
        if self.config.attention == "softmax":
            attention = attention.softmax(dim=2)

        # Features of each character: summed over the picture, weighted by its map.
        features = (x if self.class_features is None else self.class_features(x)).flatten(2)  # (B, C, h * w)
        pooled = torch.bmm(attention, features.transpose(1, 2))  # (B, L, C)
        return self.class_head(pooled)  # type: ignore[no-any-return]


def _resized_like(x: Tensor, other: Tensor) -> Tensor:
    return F.interpolate(x, size=other.shape[-2:], mode="bilinear", align_corners=False)
