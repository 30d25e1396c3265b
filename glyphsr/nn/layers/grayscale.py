"""Brightness of RGB tensors, in the two roundings that the STISR code base knows."""

import torch
from torch import Tensor


def luminance(rgb: Tensor) -> Tensor:
    """Weighted sum 0.299 R + 0.587 G + 0.114 B.

    Args:
        rgb: ``(B, 3, h, w)`` float.

    Returns:
        ``(B, 1, h, w)``, same range.
    """
    weights = rgb.new_tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
    return (rgb * weights).sum(dim=1, keepdim=True)


def brightness_mask(rgb: Tensor) -> Tensor:
    """TextZoom's fourth channel: 0 where a pixel is brighter than the image's mean, else 1.

    Brightness is PIL's 8-bit luma, so that the result equals the published loader's bit for bit on 8-bit images. The
    rule presumes dark text on a light ground.

    Args:
        rgb: ``(B, 3, h, w)`` float in [0, 1].

    Returns:
        ``(B, 1, h, w)``, values 0 and 1.
    """
    red, green, blue = (rgb.clamp(0, 1) * 255).round().to(torch.int32).unbind(dim=1)
    luma = (19595 * red + 38470 * green + 7471 * blue + 0x8000) >> 16  # PIL's fixed-point luma
    mean = luma.double().mean(dim=(1, 2), keepdim=True)
    return (luma <= mean).to(rgb.dtype).unsqueeze(1)
