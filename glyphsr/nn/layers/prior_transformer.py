"""Text prior to feature map: transposed convolutions turn class probabilities into features of the image's size."""

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from glyphsr.nn.layers.dsta import DSTAGate


class PriorTransformer(nn.Module):
    """Four transposed convolutions, a bilinear resize to the image's size and, in GlyphSR, a DSTA gate.

    Source: the ``infoGen`` of TPGSR and C3-STISR, followed by GlyphSR's ``dsta_rec``. With GlyphSR's paddings the
    result has 25 rows, with TPGSR's it has one.

    Args:
        num_classes: Classes K of the text prior.
        hidden: Channels after the first three transposed convolutions; the paper's network has 512, 128, 64.
        out_channels: Channels of the result, the paper's C_tp.
        tall: Use GlyphSR's paddings instead of TPGSR's.
        gated: Whether a DSTA gate follows.
    """

    STRIDES: tuple[tuple[int, int], ...] = ((2, 2), (2, 2), (2, 2), (2, 1))
    TALL_PADDINGS = ((0, 0), (0, 0), (1, 1), (1, 1))
    FLAT_PADDINGS = ((1, 1), (1, 1), (1, 1), (1, 0))

    def __init__(
        self, num_classes: int, hidden: Sequence[int], out_channels: int, *, tall: bool = True, gated: bool = True
    ) -> None:
        super().__init__()
        self.num_classes = num_classes
        widths = (num_classes, *hidden, out_channels)
        paddings = self.TALL_PADDINGS if tall else self.FLAT_PADDINGS
        self.deconvs = nn.ModuleList(
            nn.ConvTranspose2d(i, o, kernel_size=3, stride=stride, padding=padding, bias=False)
            for i, o, stride, padding in zip(widths[:-1], widths[1:], self.STRIDES, paddings, strict=True)
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(o) for o in widths[1:])
        self.gate = DSTAGate(out_channels) if gated else None

    def spread(self, prior: Tensor) -> Tensor:
        """``(B, K, 1, T)`` -> ``(B, out_channels, 25, 8T + 5)`` if tall, else ``(B, out_channels, 1, 8T - 5)``."""
        x = prior
        for deconv, norm in zip(self.deconvs, self.norms, strict=True):
            x = F.relu(norm(deconv(x)))
        return x

    def forward(self, prior: Tensor, features: Tensor) -> Tensor:
        """Bring the prior to the size of the features.

        Args:
            prior: ``(B, K, 1, T)`` class probabilities.
            features: ``(B, C, h, w)``, of which only the size matters.

        Returns:
            ``(B, out_channels, h, w)``, one tensor for every SRB.
        """
        x = F.interpolate(self.spread(prior), size=features.shape[-2:], mode="bilinear", align_corners=True)
        return x if self.gate is None else self.gate(x)
