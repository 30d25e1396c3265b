"""Pixel loss (paper, eq. 6)."""

import torch.nn.functional as F
from torch import Tensor


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
    if sr.shape != hr.shape:
        raise ValueError(f"expected one shape, got {tuple(sr.shape)} and {tuple(hr.shape)}")
    return F.mse_loss(sr, hr)
