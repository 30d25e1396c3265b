"""Pixels to trunk features."""

from torch import Tensor, nn


class Stem(nn.Module):
    """9x9 convolution and a PReLU with one parameter."""

    def __init__(self, in_channels: int, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, width, kernel_size=9, padding=4)
        self.act = nn.PReLU()

    def forward(self, x: Tensor) -> Tensor:
        """``(B, in_channels, h, w)`` -> ``(B, width, h, w)``."""
        return self.act(self.conv(x))  # type: ignore[no-any-return]
