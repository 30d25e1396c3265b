"""Slanted writing: rows moved sideways until strokes stand upright, and back."""

import numpy as np
from numpy.typing import NDArray


def row_shifts(height: int, slant: float) -> NDArray[np.int64]:
    """How far each row moves to the right, in whole pixels; the middle row stays.

    Args:
        height: Rows.
        slant: Columns per row by which strokes lean; positive for italics, whose tops lean to the right.

    Example:
        >>> row_shifts(5, 0.5).tolist()
        [-1, 0, 0, 1, 1]
    """
    shifts = np.floor(slant * (np.arange(height) - (height - 1) / 2) + 0.5)
    return np.asarray(shifts, np.int64)


def straightened(mask: NDArray[np.bool_], slant: float) -> tuple[NDArray[np.bool_], int]:
    """A mask with its strokes upright.

    Args:
        mask: ``(H, W)``.
        slant: As in :func:`row_shifts`.

    Returns:
        ``(H, W + 2 margin)``, and the margin: columns that were added on each side so that nothing is lost.
    """
    height, width = mask.shape
    shifts = row_shifts(height, slant)
    margin = int(np.abs(shifts).max())  # so that nothing is moved out of the picture

    upright = np.zeros((height, width + 2 * margin), bool)
    for row, shift in enumerate(shifts):
        upright[row, margin + shift : margin + shift + width] = mask[row]
    return upright, margin
