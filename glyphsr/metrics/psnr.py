"""Peak signal-to-noise ratio."""

import torch
from torch import Tensor


def psnr(sr: Tensor, hr: Tensor) -> Tensor:
    """Peak signal-to-noise ratio of each image, in dB.

    Args:
        sr: Super-resolved images ``(B, C, H, W)``, float, values in [0, 1].
        hr: Ground-truth images, same shape and range.

    Returns:
        ``(B,)`` float64, in dB; ``inf`` where the images are identical.

    Raises:
        ValueError: If the shapes differ.

    Example:
        >>> hr = torch.zeros(1, 3, 4, 4)
        >>> psnr(hr + 0.1, hr).round(decimals=3)
        tensor([20.], dtype=torch.float64)
    """
    if sr.shape != hr.shape:
        raise ValueError(f"expected one shape, got {tuple(sr.shape)} and {tuple(hr.shape)}")
    mse = (sr.cpu().double() - hr.cpu().double()).square().flatten(1).mean(1)  # (B,)
    return -10.0 * torch.log10(mse)
