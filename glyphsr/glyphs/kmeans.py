"""Gray k-means line masks: SIGA's pseudo-labels, and the paper's Baseline 2."""

import cv2
import numpy as np
from numpy.typing import NDArray

from glyphsr.glyphs.ink import two_means

VOTES = 3
"""Borders that must be mostly of a cluster before it counts as ground."""


def kmeans_line(image: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Text mask by two clusters of gray and a vote of the four borders.

    Source: ``TongkunGuan/SIGA`` (facts only); our clustering starts from the halves about the mean, so that it is
    deterministic.

    Args:
        image: ``(H, W, 3)`` uint8 RGB.

    Returns:
        ``(H, W)`` bool; empty for a picture of one gray.

    Example:
        >>> image = np.full((4, 8, 3), 200, np.uint8)
        >>> image[1:3, 2:4] = 10
        >>> int(kmeans_line(image).sum())
        4
    """
    gray = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.float32)
    centres, second = two_means(gray.reshape(-1, 1))

    if float(np.abs(centres[1] - centres[0]).max()) == 0:
        return np.zeros(gray.shape, np.bool_)
    mask = second.reshape(gray.shape)
    # Ground is the cluster that most of the four borders are of.
    borders = (mask[0], mask[-1], mask[:, 0], mask[:, -1])
    votes = sum(int(border.mean() > 0.5) for border in borders)
    return ~mask if votes >= VOTES else mask
