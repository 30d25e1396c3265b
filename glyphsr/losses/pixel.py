"""Pixel loss (paper, eq. 6)."""

import torch.nn.functional as F
from torch import Tensor

from glyphsr.losses.shapes import require_one_shape


def pixel_loss(sr: Tensor, hr: Tensor) -> Tensor:
    """Mean squared error over all elements.

    Args:
        sr: Super-resolved images ``(B, C, H, W)``.
        hr: Ground truth, same shape, in [0, 1].

    Returns:
        Scalar.

    Raises:
        ValueError: If the shapes differ.
    """
    require_one_shape(sr, hr)
    return F.mse_loss(sr, hr)
