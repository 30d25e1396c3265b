"""Sequential Residual Block: convolutions plus bidirectional GRUs, guided by the text prior."""

import torch
from torch import Tensor, nn

from glyphsr.nn.layers.gru_block import GRUBlock
from glyphsr.nn.layers.mish import mish


class SequentialResidualBlock(nn.Module):
    """One SRB of the trunk.

    Two 3x3 convolutions with BatchNorm and mish, the transformed prior concatenated, a vertical GRU, the residual
    sum, a horizontal GRU. There is no residual around the second GRU.

    Source: ``mjq11302010044/TPGSR: model/tsrn.py``; the GlyphSR release uses the same block.

    Args:
        width: Channels of the trunk.
        prior_width: Channels of the transformed text prior; 0 for a trunk without prior (TSRN).
    """

    def __init__(self, width: int, prior_width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, kernel_size=3, padding=1)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, kernel_size=3, padding=1)
        self.bn2 = nn.BatchNorm2d(width)
        self.vertical_gru = GRUBlock(width + prior_width, width, axis="vertical")
        self.horizontal_gru = GRUBlock(width, width, axis="horizontal")

    def forward(self, x: Tensor, prior: Tensor | None) -> Tensor:
        """Run the block.

        Args:
            x: Trunk features ``(B, width, h, w)``.
            prior: Transformed prior ``(B, prior_width, h, w)``, ``None`` if the block has no prior.

        Returns:
            ``(B, width, h, w)``.
        """
        residual = mish(self.bn1(self.conv1(x)))
        residual = self.bn2(self.conv2(residual))
        if prior is not None:
            residual = torch.cat([residual, prior], dim=1)  # (B, width + prior_width, h, w)
        return self.horizontal_gru(x + self.vertical_gru(residual))  # type: ignore[no-any-return]
