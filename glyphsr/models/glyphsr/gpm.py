"""Glyph Perception Module: sees the line, the characters and their classes in the trunk's features."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from glyphsr.models.layers.gru_block import GRUBlock
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

    The classes are read from features pooled with the softmax of ``chars * line``, so both maps exist wherever
    classes do, even if they are not supervised themselves.

    Source: ``TriplePool/GlyphSR: model/GlyphSR.py``, whose one active pooling, softmax over positions and projected
    features are followed where the paper's equation 3 is shorter.

    Args:
        in_channels: Channels of the trunk.
        width: Channels at full size; twice as many at half size. The paper's network has 128.
        num_slots: Character slots L, the end symbol's included.
        num_classes: Classes D of a slot.
        heads: Which heads exist at all.
    """

    def __init__(
        self,
        in_channels: int,
        *,
        width: int = 128,
        num_slots: int = 16,
        num_classes: int = 39,
        heads: GlyphHeads | None = None,
    ) -> None:
        super().__init__()
        heads = heads or GlyphHeads()
        self.conv0 = _conv_bn_relu(in_channels, width)
        self.conv1 = _conv_bn_relu(width, 2 * width)
        self.conv2 = _conv_bn_relu(2 * width, 2 * width)
        self.gru = GRUBlock(2 * width, 2 * width, axis="horizontal")
        self.conv3 = _conv_bn_relu(2 * width, 2 * width)
        self.conv4 = _conv_bn_relu(2 * width, width)
        self.conv5 = _conv_bn_relu(width, width // 2)
        self.char_head = nn.Conv2d(width // 2, num_slots, 3, padding=1) if heads.chars or heads.classes else None
        self.line_head = nn.Conv2d(width // 2, 1, 3, padding=1) if heads.line or heads.classes else None
        self.class_features = _conv_bn_relu(in_channels, 2 * width, bias=False) if heads.classes else None
        self.class_head = nn.Linear(2 * width, num_classes) if heads.classes else None

    def forward(self, x: Tensor, wanted: GlyphHeads) -> GlyphOutput:
        """Predict what is wanted and exists.

        Args:
            x: Trunk features ``(B, in_channels, h, w)``, h and w at least 2.
            wanted: Heads to run; the rest is ``None`` in the output.
        """
        full = self.conv0(x)  # (B, width, h, w)
        half = self.conv1(F.max_pool2d(full, 2))  # (B, 2 width, h / 2, w / 2)
        y = self.conv3(self.gru(self.conv2(half))) + half
        y = F.interpolate(self.conv4(y), size=full.shape[-2:], mode="bilinear", align_corners=False) + full
        y = self.conv5(y)
        classify = wanted.classes and self.class_head is not None
        chars = self.char_head(y) if self.char_head is not None and (wanted.chars or classify) else None
        line = self.line_head(y) if self.line_head is not None and (wanted.line or classify) else None
        classes = self._classify(x, chars, line) if classify else None
        return GlyphOutput(line=line, chars=chars, classes=classes)

    def _classify(self, x: Tensor, chars: Tensor | None, line: Tensor | None) -> Tensor:
        assert chars is not None
        assert line is not None
        assert self.class_features is not None
        assert self.class_head is not None
        attention = (chars * line).flatten(2).softmax(dim=2)  # (B, L, h * w)
        features = self.class_features(x).flatten(2)  # (B, 2 width, h * w)
        pooled = torch.bmm(attention, features.transpose(1, 2))  # (B, L, 2 width)
        return self.class_head(pooled)  # type: ignore[no-any-return]
