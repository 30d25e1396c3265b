"""Glyph Fusion Module: mixes the predicted character maps back into the trunk's features."""

import torch.nn.functional as F
from torch import Tensor, nn

from glyphsr.nn.layers.dsta import DSTAGate


class GlyphFusionModule(nn.Module):
    """Features times channel-gated character maps, then a DSTA gate and the residual sum (paper, eq. 5).

    Source: ``TriplePool/GlyphSR: model/GlyphSR.py``, whose BatchNorms and ReLUs equation 5 leaves out.

    Args:
        width: Channels of the trunk.
        num_slots: Channels of the character maps.
    """

    def __init__(self, width: int, num_slots: int) -> None:
        super().__init__()
        self.reduce = nn.Sequential(nn.Conv2d(width, num_slots, 1, bias=False), nn.BatchNorm2d(num_slots))
        self.refine = nn.Sequential(nn.Conv2d(num_slots, num_slots, 3, padding=1), nn.BatchNorm2d(num_slots))
        # Which characters' maps count, judged by how much of each there is.
        self.map_gate1 = nn.Conv2d(num_slots, num_slots, 1)
        self.map_gate2 = nn.Conv2d(num_slots, num_slots, 1)
        self.expand = nn.Sequential(nn.Conv2d(num_slots, width, 1, bias=False), nn.BatchNorm2d(width))
        self.gate = DSTAGate(width)

    def forward(self, x: Tensor, chars: Tensor) -> Tensor:
        """Fuse.

        Args:
            x: Trunk features ``(B, width, h, w)``.
            chars: Raw character maps ``(B, num_slots, h, w)``.

        Returns:
            ``(B, width, h, w)``.
        """
        # Features in as many channels as there are maps: (B, num_slots, h, w).
        y = F.relu(self.refine(F.relu(self.reduce(x))))
        gate = F.relu(self.map_gate1(chars.mean(dim=(2, 3), keepdim=True)))
        gate = self.map_gate2(gate).sigmoid()  # (B, num_slots, 1, 1)
        # Eq. 5: features times maps times gate, back to the trunk's width.
        y = self.gate(self.expand(y * (chars * gate)))
        return F.relu(x + y)
