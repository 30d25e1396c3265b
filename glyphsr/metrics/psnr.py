"""Peak signal-to-noise ratio: of each image, and of a whole batch as STISR reports it."""

import torch
from torch import Tensor


def check_shapes(sr: Tensor, hr: Tensor) -> None:
    """Refuse to compare tensors of different shapes.

    Raises:
        ValueError: If they differ.
    """
    if sr.shape != hr.shape:
        raise ValueError(f"expected one shape, got {tuple(sr.shape)} and {tuple(hr.shape)}")


def squared_error(sr: Tensor, hr: Tensor) -> Tensor:
    """Mean squared error of each image, ``(B,)`` float64.

    Raises:
        ValueError: If the shapes differ.
    """
    check_shapes(sr, hr)
    return (sr.cpu().double() - hr.cpu().double()).square().flatten(1).mean(1)


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
    return -10.0 * torch.log10(squared_error(sr, hr))


def batch_psnr(sr: Tensor, hr: Tensor) -> Tensor:
    """PSNR of a whole batch from one mean squared error, in dB: a scalar, ``inf`` for identical batches.

    At most the mean of :func:`psnr` (Jensen), and dependent on which images share a batch.

    Source: ``WenjiaWang0312/TextZoom: src/utils/ssim_psnr.py``.

    Args:
        sr: ``(B, C, H, W)`` float; only the first three channels count, nothing is clipped or rounded.
        hr: Same shape.

    Raises:
        ValueError: If the shapes differ.
    """
    return -10.0 * torch.log10(squared_error(sr[:, :3], hr[:, :3]).mean())
