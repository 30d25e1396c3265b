"""Deformable spatio-temporal attention gate: weighs features by channel and by place."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from glyphsr.nn.layers.deformable import DepthwiseDeformableConv
from glyphsr.nn.tracing import is_tracing


class DSTAGate(nn.Module):
    """Multiplies its input by a channel gate and a space gate that a strongly pooled copy of it decides.

    Source: ``wenyu1009/RTSRN: model/dcn.py`` (the C3-STISR lineage); the paper speaks of "a deformable convolution
    layer". Inputs smaller than 15 x 15 are enlarged by repeating their border for the pooled copy only.

    Args:
        channels: Channels of the gated tensor, a multiple of 4.
    """

    MIN_SIZE = 15
    """Least height and width the pooled branch can digest: 3x3 stride 2, then pooling 7."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        if channels % 4:
            raise ValueError(f"channels: expected a multiple of 4, got {channels}")

        f = channels // 4
        # A quarter of the channels, beside them a short cut at full size.
        self.reduce = nn.Conv2d(channels, f, kernel_size=1)
        self.skip = nn.Conv2d(f, f, kernel_size=1)
        # The pooled branch, which sees the picture coarsely.
        self.stride = nn.Conv2d(f, f, kernel_size=3, stride=2)
        self.pooled1 = nn.Conv2d(f, f, kernel_size=3, padding=1)
        self.pooled2 = nn.Conv2d(f, f, kernel_size=3, padding=1)
        self.pooled3 = nn.Conv2d(f, f, kernel_size=3, padding=1)
        # Per channel 18 numbers of displacement and 9 of modulation, at two scales.
        self.offsets = nn.Conv2d(f, 27 * f, kernel_size=3, padding=1)
        self.coarse = nn.Conv2d(f, f, kernel_size=3, stride=2, padding=1)
        self.coarse_offsets = nn.Conv2d(f, 27 * f, kernel_size=3, padding=1)
        self.deform = DepthwiseDeformableConv(f)
        # Two gates from one result.
        self.channel_gate1 = nn.Conv2d(f, 2 * f, kernel_size=1)
        self.channel_gate2 = nn.Conv2d(2 * f, channels, kernel_size=1)
        self.space_gate = nn.Conv2d(f, channels, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, channels, h, w)`` -> the same shape, each element times a factor in (0, 1)."""
        height, width = x.shape[-2:]
        a = self.reduce(x)  # (B, f, h, w)
        # Pooled, with ReLUs between: what the deformable convolution reads and what displaces it.
        padded = self._at_least_min_size(a, height, width)
        p = F.max_pool2d(self.stride(padded), kernel_size=7, stride=3)  # (B, f, y, x), strongly pooled
        c = F.relu(self.pooled1(p))
        c = F.relu(self.pooled2(c))
        c = F.relu(self.pooled3(c))

        coarse = self.coarse_offsets(F.relu(self.coarse(c)))
        fields = self.offsets(c) + F.interpolate(coarse, size=c.shape[-2:], mode="bilinear", align_corners=False)
        offset, modulation = fields.split([18 * p.shape[1], 9 * p.shape[1]], dim=1)
        d = F.relu(self.deform(p, offset, modulation.sigmoid()))
        # Channel gate from the mean, space gate from the map itself, enlarged again.
        gate = F.relu(self.channel_gate1(d.mean(dim=(2, 3), keepdim=True)))
        channel = self.channel_gate2(gate).sigmoid()  # (B, channels, 1, 1)
        place = F.interpolate(d, size=(height, width), mode="bilinear", align_corners=False) + self.skip(a)

        return x * self.space_gate(place).sigmoid() * channel  # type: ignore[no-any-return]

    def _at_least_min_size(self, a: Tensor, height: int, width: int) -> Tensor:
        if is_tracing():  # sizes are tensors then, and have to stay free
            missing = [(self.MIN_SIZE - torch.as_tensor(size)).clamp_min(0) for size in (width, height)]
            return F.pad(a, (0, missing[0], 0, missing[1]), mode="replicate")  # type: ignore[arg-type]
        missing_h, missing_w = max(0, self.MIN_SIZE - height), max(0, self.MIN_SIZE - width)
        return F.pad(a, (0, missing_w, 0, missing_h), mode="replicate") if missing_h or missing_w else a
