"""HOG loss: histograms of oriented gradients of SR as those of HR (paper, eq. 6)."""

import math
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from glyphsr.losses.shapes import require_one_shape

BINS = 4
CELL = 2
"""Pixels along each side of a cell; cells do not overlap."""

Binning = Literal["hard", "soft"]

MAGNITUDE_EPSILON = 1e-12
"""Under the root, so that flat places have a derivative; its root is taken off again, so that they stay zero."""

FLAT = 1e-24
"""Squared gradient below which a place has no orientation."""

NORM_EPSILON = 1e-3
"""Least norm that a histogram is divided by: below any that is left by one gray level of 8 bits, and large enough that
almost flat cells of SR do not outweigh all others."""


def _sobel(image: Tensor) -> tuple[Tensor, Tensor]:
    """Horizontal and vertical Sobel responses, borders reflected: left minus right and upper minus lower, as published.

    Their signs decide the bin of gradients that lie exactly along an axis.
    """
    padded = F.pad(image, (1, 1, 1, 1), mode="reflect")
    # The filter in two steps: smooth across, then take the difference along.
    rows = padded[..., :-2, :] + 2 * padded[..., 1:-1, :] + padded[..., 2:, :]
    columns = padded[..., :, :-2] + 2 * padded[..., :, 1:-1] + padded[..., :, 2:]
    return rows[..., :-2] - rows[..., 2:], columns[..., :-2, :] - columns[..., 2:, :]


def hog(image: Tensor, *, binning: Binning = "hard", bins: int = BINS, cell: int = CELL) -> Tensor:
    """Histogram of unsigned gradient orientations of each cell and channel, of length one.

    The published code computes its descriptor without gradient, so that its loss teaches nothing; here the magnitudes
    carry it, and with soft bins the orientations too.

    Source: ``wenyu1009/RTSRN: loss/text_focus_loss.py``, after the HOG layer of MaskFeat.

    Args:
        image: ``(B, C, H, W)`` float, at least 2 x 2.
        binning: ``hard`` gives a gradient's magnitude to one bin, ``soft`` splits it between the two nearest.
        bins: Bins of orientation over half a turn.
        cell: Side of a cell; rows and columns that fill none are left out.

    Returns:
        ``(B, C, bins, H // cell, W // cell)``, not negative.
    """
    gx, gy = _sobel(image)
    square = gx.square() + gy.square()
    # Each place votes with its magnitude for the bin of its orientation, in half turns: (B, C, H, W).
    magnitude = (square + MAGNITUDE_EPSILON).sqrt() - math.sqrt(MAGNITUDE_EPSILON)
    # Published: the whole vote goes into one bin, and no gradient flows through the orientation.
    if binning == "hard":
        turn = torch.atan2(gx.detach(), gy.detach()) / math.pi * bins
        votes = _one_bin(turn, bins) * magnitude.unsqueeze(2)  # (B, C, bins, H, W)
    else:
        flat = square < FLAT  # has no orientation, and none that could be differentiated
        turn = torch.atan2(gx.masked_fill(flat, 0.0), gy.masked_fill(flat, 1.0)) / math.pi * bins
        # A bin's middle lies half a bin after its border: the nearest two are those about turn - 1/2.
        centred = turn - 0.5
        upper = (centred - centred.detach().floor()).unsqueeze(2)
        votes = (_one_bin(centred, bins) * (1 - upper) + _one_bin(centred + 1, bins) * upper) * magnitude.unsqueeze(2)

    # Votes of each cell: (B, C * bins, H / cell, W / cell).
    pooled = F.avg_pool2d(votes.flatten(1, 2), cell) * cell**2
    by_channel = pooled.view(len(image), image.shape[1], bins, *pooled.shape[2:])
    return F.normalize(by_channel, dim=2, eps=NORM_EPSILON)


def _one_bin(turn: Tensor, bins: int) -> Tensor:
    """``(B, C, H, W)`` in bins -> ``(B, C, bins, H, W)``, one where the bin is that of the place."""
    return F.one_hot(turn.detach().floor().long() % bins, bins).movedim(-1, 2)


def hog_loss(sr: Tensor, hr: Tensor, *, binning: Binning = "hard", differentiable: bool = True) -> Tensor:
    """Mean absolute difference of the descriptors.

    Args:
        sr: ``(B, C, H, W)``; C is 4 where the network has the brightness mask, which counts too.
        hr: Same shape.
        binning: As in :func:`hog`.
        differentiable: Let the loss teach; false is the published layer, whose value is only reported.

    Returns:
        Scalar; without gradient where it is not to be differentiable.

    Raises:
        ValueError: If the shapes differ.
    """
    require_one_shape(sr, hr)
    with torch.no_grad():
        target = hog(hr, binning=binning)
    with torch.set_grad_enabled(differentiable and torch.is_grad_enabled()):
        return F.l1_loss(hog(sr, binning=binning), target)
