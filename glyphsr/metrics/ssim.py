"""Structural similarity: as STISR reports it, and as image restoration does."""

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from glyphsr.metrics.psnr import check_shapes

WINDOW = 11
"""Side of the Gaussian window in pixels."""

SIGMA = 1.5
"""Its standard deviation in pixels."""

C1, C2 = 0.01**2, 0.03**2
"""Constants of Wang et al. (2004) for values in [0, 1]; they keep the fractions finite on flat parts."""


def _gaussian_window(like: Tensor) -> Tensor:
    places = torch.arange(WINDOW, dtype=torch.float64) - WINDOW // 2
    # A separable window: the outer product of a line with itself, (C, 1, 11, 11).
    line = torch.exp(-places.square() / (2 * SIGMA**2)).float()
    line = (line / line.sum()).to(like.device)
    return torch.outer(line, line).expand(like.shape[1], 1, WINDOW, WINDOW)


def ssim(sr: Tensor, hr: Tensor) -> Tensor:
    """SSIM of each image as the STISR literature computes it.

    A Gaussian window slides over each RGB channel, with zeros outside the image. Nothing is clipped, and the result is
    the mean of the whole map. For images of one size the mean over a batch equals the published batch value.

    Source: ``WenjiaWang0312/TextZoom: src/utils/ssim_psnr.py``.

    Args:
        sr: ``(B, C, H, W)`` float with values about [0, 1]; only the first three channels count.
        hr: Same shape.

    Returns:
        ``(B,)`` float32.

    Raises:
        ValueError: If the shapes differ.

    Example:
        >>> flat = torch.full((1, 3, 16, 16), 0.5)
        >>> ssim(flat, flat).tolist()
        [1.0]
    """
    check_shapes(sr, hr)
    x, y = sr[:, :3].float(), hr[:, :3].float()
    window = _gaussian_window(x)

    def blur(z: Tensor) -> Tensor:
        return F.conv2d(z, window, padding=WINDOW // 2, groups=z.shape[1])

    # Statistics of the window around each pixel.
    mean_x, mean_y = blur(x), blur(y)
    variance_x = blur(x * x) - mean_x * mean_x
    variance_y = blur(y * y) - mean_y * mean_y
    covariance = blur(x * y) - mean_x * mean_y

    # Wang et al. (2004), eq. 13.
    similarity = ((2 * mean_x * mean_y + C1) * (2 * covariance + C2)) / (
        (mean_x.square() + mean_y.square() + C1) * (variance_x + variance_y + C2)
    )
    return similarity.flatten(1).mean(1)


def standard_ssim(sr: NDArray[np.uint8], hr: NDArray[np.uint8]) -> float:
    """SSIM of one 8-bit image as Wang et al. (2004) define it; borders without a full window do not count.

    Args:
        sr: ``(H, W, 3)`` uint8.
        hr: Same shape.

    Returns:
        In [-1, 1]; NaN where a side is shorter than the window.
    """
    from skimage.metrics import structural_similarity

    if min(sr.shape[:2]) < WINDOW:
        return float("nan")
    # Wang's own settings; scikit-image's defaults differ in all three.
    value = structural_similarity(  # type: ignore[no-untyped-call]
        sr, hr, data_range=255, channel_axis=2, gaussian_weights=True, sigma=SIGMA, use_sample_covariance=False
    )
    return float(value)
