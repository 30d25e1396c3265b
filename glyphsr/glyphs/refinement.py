"""Keeps the counters of letters open: SAM likes to fill 'a' and 'e' (the paper's own discussion of the GEM)."""

import numpy as np
from numpy.typing import NDArray

LEAST_INK = 0.35
"""Fraction of a mask that must be ink before ink may cut it; below, it is the ink that is unreliable."""

LEAST_CONTRAST = 12.0
"""Contrast of the ink in CIE Lab below which it is not trusted."""


def intersect_ink(mask: NDArray[np.bool_], ink: NDArray[np.bool_], contrast: float) -> NDArray[np.bool_]:
    """What of a mask is ink, if the ink can be trusted.

    Args:
        mask: ``(H, W)``.
        ink: ``(H, W)``.
        contrast: Of the ink to its ground, in CIE Lab units.

    Example:
        >>> ring = np.ones((3, 3), bool)
        >>> ring[1, 1] = False
        >>> bool(intersect_ink(np.ones((3, 3), bool), ring, 60.0)[1, 1])
        False
    """
    kept = mask & ink
    trusted = contrast >= LEAST_CONTRAST and kept.sum() >= LEAST_INK * mask.sum()
    return kept if trusted else mask
