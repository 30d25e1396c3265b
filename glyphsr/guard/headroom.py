"""Whether a line that can be read already has anything to gain from the network's change."""

import math

import cv2
import numpy as np

from glyphsr.images.resize import FloatImage

ROWS = 32
"""Height at which detail is measured, so that it does not depend on the size asked for."""

SHARPNESS, CHANGE = 24.0, 1.7
"""Fitted by a logistic regression to which of IIIT5K-LR's training words that rapidocr reads alike before and after
tesseract lost, and which it gained; kept as they are for words that voters read before already."""


def sharpness(picture: FloatImage) -> float:
    """Deviation of what a Gaussian of 2 pixels at 32 rows takes away, as a share of the contrast; blur has little.

    Args:
        picture: ``(H, W, 3)`` float32 in [0, 1].

    Example:
        >>> stripes = np.tile(np.float32([[[0.0]], [[1.0]]]), (16, 20, 3))
        >>> sharpness(stripes) > sharpness(cv2.blur(stripes, (1, 9))) > 0.0
        True
    """
    gray = picture.mean(axis=2)
    if len(gray) != ROWS:
        width = max(1, round(gray.shape[1] * ROWS / len(gray)))
        gray = cv2.resize(gray, (width, ROWS), interpolation=cv2.INTER_AREA)
    return float(np.std(gray - cv2.GaussianBlur(gray, (0, 0), 2.0))) / contrast(picture)


def contrast(picture: FloatImage) -> float:
    """Brightness between the 5th and the 95th percentile, at least one step of 8 bits."""
    low, high = np.percentile(picture.mean(axis=2), [5, 95])
    return max(float(high - low), 1 / 255)


def is_already_legible(before: FloatImage, after: FloatImage, characters: int) -> bool:
    """Whether a word that can be read before and after is so short, so crisp and so little changed that it may stay.

    Single characters and crisp short words lose as often as they gain where another reader looks at them: it has
    nothing but their shapes to go by.

    Args:
        before: Bicubic, ``(H, W, 3)`` float32 in [0, 1].
        after: The result, of the same size.
        characters: Letters and digits that are read.
    """
    change = float(np.percentile(np.abs(after - before).mean(axis=2), 95)) / contrast(before)
    return math.log(max(1, characters)) <= SHARPNESS * sharpness(before) - CHANGE * change
