"""Transparent pictures as they look on a ground, and back, since text is often drawn in the transparency itself."""

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from glyphsr.images.reader import Picture, opaque
from glyphsr.images.resize import FloatImage, resize

NEARLY_WHITE = 0.05
"""Mean distance to white up to which what shows of a picture would not show on white."""

SPREAD = 1e-3
"""Weight of the colour around a pixel beside its own, which counts where it is all but clear."""

FAR = 1e-6
"""Likewise of the mean colour of the whole picture."""

VISIBLE = 2 / 255
"""Opacity and difference to the ground below which a clear pixel stays clear."""

ONE_COLOUR = 0.002
"""Variance of colour up to which it is one."""

DISTINCT = 0.03
"""Squared distance of a colour to the ground from which opacity and lightness can be distinguished."""


def ground_of(picture: Picture) -> float:
    """Level of the ground on which a transparent picture shows: white, or black for white on clear."""
    if picture.alpha is None or not picture.alpha.any():
        return 1.0
    distance = float((picture.alpha * (1 - picture.rgb).max(axis=2)).sum() / picture.alpha.sum())
    return 0.0 if distance < NEARLY_WHITE else 1.0


def as_seen(picture: Picture) -> FloatImage:
    """``(H, W, 3)`` in [0, 1]: the picture on its ground; an opaque one as it is."""
    if picture.alpha is None or picture.alpha.min() == 1:
        return picture.rgb
    alpha = picture.alpha[..., None]
    return np.asarray(picture.rgb * alpha + ground_of(picture) * (1 - alpha), np.float32)


def enlarged(picture: Picture, seen: FloatImage) -> Picture:
    """A picture at another size: on its ground it looks like ``seen``.

    Where the opacity makes the shape, as of letters of one colour on a clear ground, it takes up the change; where
    the picture is opaque, the colour does.

    Args:
        picture: Before.
        seen: ``(H, W, 3)`` float32 in [0, 1]: :func:`as_seen`, enlarged and sharpened.
    """
    if picture.alpha is None:
        return replace(picture, rgb=seen)

    size = (seen.shape[0], seen.shape[1])
    if picture.alpha.min() == 1:
        return replace(picture, rgb=seen, alpha=opaque(size))
    ground = np.float32(ground_of(picture))
    alpha = resize(picture.alpha, size).clip(0, 1)
    colour = _colour(picture, size)

    # seen = ground + alpha (colour - ground): alpha by least squares over the channels.
    difference, base = seen - ground, colour - ground
    energy = np.square(base).sum(axis=2)
    fitted = ((difference * base).sum(axis=2) / np.maximum(energy, DISTINCT)).clip(0, 1)

    clear = (alpha < VISIBLE) & (fitted < VISIBLE)
    # One colour: the shape is in the opacity alone, which may change freely.
    if _has_one_colour(picture):
        flat = np.broadcast_to(_mean_colour(picture), seen.shape).copy()
        return replace(picture, rgb=flat, alpha=np.where(clear, alpha, fitted).astype(np.float32))

    # Else opacity follows only within edges, and colour explains what is left.
    alpha = np.where((alpha < 1 - VISIBLE) & ~clear & (energy > DISTINCT), fitted, alpha).astype(np.float32)
    shown = (ground + difference / np.maximum(alpha, VISIBLE)[..., None]).clip(0, 1)
    return replace(picture, rgb=np.where(alpha[..., None] < VISIBLE, colour, shown).astype(np.float32), alpha=alpha)


def _has_one_colour(picture: Picture) -> bool:
    """Whether all that shows has one colour, so that its shape is in the opacity alone."""
    assert picture.alpha is not None
    spread = np.square(picture.rgb - _mean_colour(picture)).sum(axis=2)
    return float((spread * picture.alpha).sum()) <= ONE_COLOUR * float(picture.alpha.sum())


def _colour(picture: Picture, size: tuple[int, int]) -> NDArray[np.float32]:
    """Colour without opacity at another size; of clear pixels that of what is around them, since theirs is hidden."""
    assert picture.alpha is not None
    alpha = resize(picture.alpha, size).clip(0, 1)
    # Colours count by their opacity, so that nothing hidden bleeds into what shows.
    weighted = resize(picture.rgb * picture.alpha[..., None], size).clip(0, 1)
    width = 1.5 * max(1.0, size[0] / picture.alpha.shape[0])
    around = cv2.GaussianBlur(alpha, (0, 0), width)
    # Far from all that shows it is the mean, with a weight that means nothing elsewhere.
    weighted = weighted + SPREAD * cv2.GaussianBlur(weighted, (0, 0), width) + FAR * _mean_colour(picture)
    return np.asarray((weighted / (alpha + SPREAD * around + FAR)[..., None]).clip(0, 1), np.float32)


def _mean_colour(picture: Picture) -> NDArray[np.float32]:
    """``(3,)`` of all that shows."""
    assert picture.alpha is not None
    shown = (picture.rgb * picture.alpha[..., None]).sum(axis=(0, 1), dtype=np.float64)
    return np.asarray(shown / max(float(picture.alpha.sum(dtype=np.float64)), 1e-12), np.float32)
