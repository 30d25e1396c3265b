"""A residual block guided by the text prior, of convolutions alone."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class GuidedResidualBlock(nn.Module):
    """Two 3x3 convolutions beside the input; the first sees the transformed prior too.

    Stands in for the Sequential Residual Block where speed on a CPU counts: recurrent layers take most of that block's
    time there, and the context they bring is in the prior already.

    Args:
        width: Channels of the trunk.
        prior_width: Channels of the transformed text prior.
    """

    def __init__(self, width: int, prior_width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width + prior_width, width, kernel_size=3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, kernel_size=3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)

    def forward(self, x: Tensor, prior: Tensor) -> Tensor:
        """``(B, width, h, w)`` and ``(B, prior_width, h, w)`` -> ``(B, width, h, w)``."""
        inner = F.relu(self.bn1(self.conv1(torch.cat([x, prior], dim=1))))
        return x + self.bn2(self.conv2(inner))  # type: ignore[no-any-return]
