"""ASTER's rectifier: a thin-plate spline through control points that a small network places."""

import torch.nn.functional as F
from torch import Tensor, nn

from glyphsr.nn.layers.stn import ControlPointLocalizer, ThinPlateSpline


class Rectifier(nn.Module):
    """RGB of any size to a straight ``(B, 3, 32, 100)``.

    Source: ``ayumiymk/aster.pytorch: lib/models/{stn_head,tps_spatial_transformer}.py``.
    """

    LOOK = (32, 64)
    """Size at which the control points are placed."""

    def __init__(self, *, align_corners: bool) -> None:
        super().__init__()
        self.localizer = ControlPointLocalizer(3, size=self.LOOK)
        self.tps = ThinPlateSpline((32, 100), align_corners=align_corners)

    def forward(self, images: Tensor) -> Tensor:
        """``(B, 3, h, w)`` in [-1, 1] -> ``(B, 3, 32, 100)``, sampled from the full picture."""
        seen = F.interpolate(images, size=self.LOOK, mode="bilinear", align_corners=True)
        return self.tps(images, self.localizer(seen))  # type: ignore[no-any-return]
