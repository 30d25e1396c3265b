"""Modulated deformable 3x3 convolution, depth-wise, as plain tensor operations.

torchvision has the same operator; importing it costs more than a second of every start, and it has no kernels for
bfloat16 on CPUs. On the DSTA gate's strongly pooled maps (1 x 9 positions for a TextZoom image) speed is no question. A
test compares the two. See docs/decisions/0004-deformable-convolution.md.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

TAPS = 9
"""Places of a 3x3 kernel, row by row."""


def sample_deformed(x: Tensor, offset: Tensor) -> Tensor:
    """Read nine displaced neighbours of every position, channel by channel.

    Args:
        x: ``(B, C, h, w)``.
        offset: ``(B, 18C, h, w)`` in pixels; per channel and tap first the vertical, then the horizontal one.

    Returns:
        ``(B, C, 9, h, w)``, bilinear, 0 outside the map.
    """
    batch, channels, height, width = x.shape

    offset = offset.reshape(batch * channels, TAPS, 2, height, width)
    # Where each tap reads: its displacement, its place in the kernel, its place in the picture.
    rows = torch.arange(height, device=x.device, dtype=x.dtype)
    columns = torch.arange(width, device=x.device, dtype=x.dtype)
    taps = torch.arange(TAPS, device=x.device)
    dy = (taps // 3 - 1).to(x.dtype).view(TAPS, 1, 1)
    dx = (taps % 3 - 1).to(x.dtype).view(TAPS, 1, 1)
    y = offset[:, :, 0] + dy + rows.view(1, height, 1)  # (B * C, 9, h, w)
    x_position = offset[:, :, 1] + dx + columns.view(1, 1, width)
    # A border of zeros keeps the map wider than one pixel, so that positions can be scaled to [-1, 1].
    padded = F.pad(x.reshape(batch * channels, 1, height, width), (1, 1, 1, 1))
    # grid_sample wants (x, y) in [-1, 1]; all taps of a map are read in one call.
    grid = torch.stack([2 * (x_position + 1) / (width + 1) - 1, 2 * (y + 1) / (height + 1) - 1], dim=-1)
    flat = grid.reshape(batch * channels, TAPS * height, width, 2)
    sampled = F.grid_sample(padded, flat, mode="bilinear", padding_mode="zeros", align_corners=True)

    return sampled.view(batch, channels, TAPS, height, width)


class DepthwiseDeformableConv(nn.Module):
    """One 3x3 filter and one offset group per channel.

    Args:
        channels: Channels in and out.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(channels, 1, 3, 3))
        self.bias = nn.Parameter(torch.zeros(channels))
        nn.init.kaiming_uniform_(self.weight, a=5**0.5)

    def forward(self, x: Tensor, offset: Tensor, modulation: Tensor) -> Tensor:
        """Convolve at displaced places.

        Args:
            x: ``(B, C, h, w)``.
            offset: ``(B, 18C, h, w)`` in pixels, in torchvision's order.
            modulation: ``(B, 9C, h, w)`` factors in [0, 1].

        Returns:
            ``(B, C, h, w)``.
        """
        batch, channels, height, width = x.shape
        with torch.autocast(x.device.type, enabled=False):  # sampling positions want full precision
            sampled = sample_deformed(x.float(), offset.float())
            weighted = sampled * modulation.float().view(batch, channels, TAPS, height, width)
            kernel = self.weight.float().view(1, channels, TAPS, 1, 1)
            out = (weighted * kernel).sum(dim=2) + self.bias.float().view(1, channels, 1, 1)
        return out.to(x.dtype)
