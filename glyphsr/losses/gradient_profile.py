"""Gradient profile loss of TSRN: edges of SR as steep as those of HR."""

import torch.nn.functional as F
from torch import Tensor

from glyphsr.losses.shapes import require_one_shape

EPSILON = 1e-6
"""Under the root, which has no derivative at zero."""


def gradient_map(image: Tensor) -> Tensor:
    """Magnitude of central differences, zero beyond the border: ``(B, C, H, W)`` -> the same shape."""
    padded = F.pad(image, (1, 1, 1, 1))
    # Half the difference of the neighbours on both sides.
    dx = (padded[..., 1:-1, 2:] - padded[..., 1:-1, :-2]) / 2
    dy = (padded[..., :-2, 1:-1] - padded[..., 2:, 1:-1]) / 2
    return (dx.square() + dy.square() + EPSILON).sqrt()


def gradient_profile_loss(sr: Tensor, hr: Tensor) -> Tensor:
    """Mean absolute difference of gradient magnitudes.

    Source: ``WenjiaWang0312/TextZoom: src/loss/gradient_loss.py``, which takes the RGB channels.

    Args:
        sr: ``(B, 3, H, W)``.
        hr: Same shape.

    Returns:
        Scalar.

    Raises:
        ValueError: If the shapes differ.
    """
    require_one_shape(sr, hr)
    return F.l1_loss(gradient_map(sr), gradient_map(hr))
