"""Tells ink from ground in a word image: two clusters of colours, deterministic, without weights."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

ITERATIONS = 10
MIN_CONTRAST = 4.0
"""Distance of the two colours in CIE Lab below which a picture counts as blank (2 is just visible side by side)."""

INVISIBLE = 1e-3
"""Contrast below which there is no direction from ground to ink."""

BORDER_FRACTION = 0.35
"""Fraction of the width along which a component may lie on the upper or lower border before it counts as a frame."""

MIDDLE = (9 / 32, 23 / 32)
"""Rows, as fractions of the height, in which the body of a line lies."""

MIN_IN_MIDDLE = 0.15
MAX_LOSS = 0.4


@dataclass(frozen=True, eq=False)
class Ink:
    """What is written in a word image, and how clearly."""

    mask: NDArray[np.bool_]
    """``(H, W)``: ink, without pieces of frames and neighbouring lines."""
    strength: NDArray[np.float32]
    """``(H, W)`` in [0, 1]: 0 is the ground's colour, 1 the ink's."""
    contrast: float
    """Distance of the two colours in CIE Lab units; 0 for a blank picture."""
    certainty: float
    """In [0, 1]: how much more of the border is ground than ink."""

    @property
    def is_blank(self) -> bool:
        """Whether there is nothing to be seen."""
        return self.contrast < MIN_CONTRAST or not self.mask.any()


def to_lab(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """``(H, W, 3)`` uint8 RGB to CIE Lab, float32, L in [0, 100]."""
    return np.asarray(cv2.cvtColor(image.astype(np.float32) / 255.0, cv2.COLOR_RGB2LAB), np.float32)


def two_means(samples: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Split samples into two clusters, starting from the halves along their principal axis.

    Args:
        samples: ``(n, d)`` float32, n at least 1.

    Returns:
        Centres ``(2, d)``, and for each sample whether it belongs to the second.
    """
    count = len(samples)
    columns = np.ascontiguousarray(samples.T, np.float64)
    total = columns.sum(axis=1)
    centred = samples - (total / count).astype(np.float32)
    # Sums over samples avoid BLAS: its order, and so the last bit, depends on how many threads it has.
    axis = np.linalg.eigh(np.einsum("nd,ne->de", centred, centred))[1][:, -1].astype(np.float32)

    second = centred @ axis > 0
    centres = np.asarray(np.stack([total, total]) / count, np.float32)
    for _ in range(ITERATIONS):
        members = int(np.count_nonzero(second))
        if members in (0, count):
            break

        own = np.where(second, columns, 0).sum(axis=1)
        centres = np.asarray(np.stack([total - own, own]) / [[count - members], [members]], np.float32)
        # Nearer to the second centre, as one product: |x - a|^2 - |x - b|^2 > 0
        a, b = centres
        moved = samples @ (b - a) > np.float32((b @ b - a @ a) / 2)
        if np.array_equal(moved, second):
            break

        second = moved

    return centres, second


def border_fraction(mask: NDArray[np.bool_]) -> float:
    """Fraction of the picture's outermost pixels that are set."""
    edges = [mask[0], mask[-1], mask[1:-1, 0], mask[1:-1, -1]]
    return float(np.concatenate(edges).mean())


def without_frames(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Drop what runs along the upper or lower border, or touches it and hardly reaches the middle rows.

    Args:
        mask: ``(H, W)`` ink.

    Returns:
        ``(H, W)``; the mask itself where more than 40% of the ink in the middle rows would go.
    """
    height, width = mask.shape
    if not mask[0].any() and not mask[-1].any():
        return mask

    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    first, end = int(MIDDLE[0] * height), max(1, int(np.ceil(MIDDLE[1] * height)))
    # Pixels of each component in the body of the line, and along the border that it touches most.
    middle = np.bincount(labels[first:end].ravel(), minlength=count)
    along = np.maximum(np.bincount(labels[0], minlength=count), np.bincount(labels[-1], minlength=count))
    dropped = (along > 0) & ((middle < MIN_IN_MIDDLE * stats[:, cv2.CC_STAT_AREA]) | (along > BORDER_FRACTION * width))
    dropped[0] = False  # the ground
    # Losing that much of the line means that it was the writing, and not a frame.
    if middle[dropped].sum() > MAX_LOSS * middle[1:].sum():
        return mask
    return np.asarray(mask & ~dropped[labels])


def _ink_of(samples: NDArray[np.float32], shape: tuple[int, int], *, inverted: bool) -> Ink:
    """Separate colours, or colour differences; ink is the cluster that is rarer on the border."""
    centres, second = two_means(samples)
    on_border = border_fraction(second.reshape(shape))
    ink, ground = (centres[1], centres[0]) if (on_border <= 0.5) != inverted else (centres[0], centres[1])
    axis = ink - ground
    contrast = float(np.linalg.norm(axis))
    if contrast < INVISIBLE:
        return Ink(np.zeros(shape, np.bool_), np.zeros(shape, np.float32), 0.0, 0.0)
    # Position of each pixel on the way from the ground's colour to the ink's.
    strength = ((samples - ground) @ axis / np.float32(contrast**2)).reshape(shape).clip(0, 1)
    return Ink(without_frames(strength > 0.5), strength, contrast, abs(1 - 2 * on_border))


def find_ink(image: NDArray[np.uint8], *, local: bool = False, inverted: bool = False) -> Ink:
    """Separate ink from ground; ink is the colour that is rarer on the border.

    Args:
        image: ``(H, W, 3)`` uint8 RGB, at least 2 x 2.
        local: Compare each pixel with the mean of its neighbourhood, as wide as the line is high; for light that
            changes along the line.
        inverted: Take the other cluster for ink, as in plates whose light frame joins light text.

    Returns:
        Masks of the same size.

    Raises:
        ValueError: If the shape is another one.
    """
    if image.ndim != 3 or image.shape[2] != 3 or min(image.shape[:2]) < 2:
        raise ValueError(f"expected (H, W, 3) with both sides 2 or more, got {image.shape}")

    lab = to_lab(image)
    # Differences from the surroundings, against shadows and gradients; a window as high as the line.
    if local:
        side = 2 * (image.shape[0] // 2) + 1
        lab = lab - np.asarray(cv2.blur(lab, (side, side), borderType=cv2.BORDER_REFLECT), np.float32)
    return _ink_of(lab.reshape(-1, 3), image.shape[:2], inverted=inverted)
