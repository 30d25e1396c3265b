"""Numbers as colours."""

import numpy as np
from numpy.typing import NDArray

_STOPS = np.array([(255, 255, 255), (253, 224, 138), (240, 128, 60), (170, 30, 60), (50, 10, 60)], np.float32)
"""From nothing to all, ever darker, so that it can be read in gray too."""


def heat(values: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Values in [0, 1] as colours from white to dark.

    Args:
        values: Of any shape; what lies outside is clipped.

    Returns:
        The same shape and a last axis of 3, uint8 RGB.

    Example:
        >>> heat(np.array([0.0, 1.0])).tolist()
        [[255, 255, 255], [50, 10, 60]]
    """
    place = np.clip(np.nan_to_num(values.astype(np.float32)), 0, 1) * (len(_STOPS) - 1)
    below = np.minimum(place.astype(np.int64), len(_STOPS) - 2)
    weight = (place - below)[..., None]
    return np.asarray(((1 - weight) * _STOPS[below] + weight * _STOPS[below + 1]).round(), np.uint8)


def difference(before: NDArray[np.uint8], after: NDArray[np.uint8], *, gain: float = 2.0) -> NDArray[np.uint8]:
    """What changed, about middle gray: lighter where it became lighter.

    Args:
        before: ``(H, W, 3)`` uint8.
        after: The same shape.
        gain: By which the change is multiplied to be seen.
    """
    change = after.astype(np.float32) - before.astype(np.float32)
    return np.asarray((128 + gain * change).clip(0, 255).round(), np.uint8)


def laid_over(picture: NDArray[np.uint8], values: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Values in [0, 1] as red over a faded gray picture.

    Args:
        picture: ``(H, W, 3)`` uint8.
        values: ``(H, W)``.
    """
    gray = 0.5 * picture.astype(np.float32).mean(axis=2, keepdims=True) + 110.0
    weight = 0.85 * np.clip(values, 0, 1)[..., None]
    return np.asarray(((1 - weight) * gray + weight * np.array([215, 25, 35], np.float32)).clip(0, 255), np.uint8)
