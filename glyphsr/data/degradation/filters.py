"""The linear part of a degradation as filters: shift, Gaussian blur and down-sampling in one, per axis."""

import functools
import math
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.special import erf

from glyphsr.config.degradation import KernelName

Taps = NDArray[np.float32]
Places = NDArray[np.float64]


def _cubic(x: Places) -> Places:
    """Keys' kernel with a = -0.5, as Pillow's bicubic."""
    x = np.abs(x)
    inner, outer = 1.5 * x**3 - 2.5 * x**2 + 1, -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return np.where(x < 1, inner, np.where(x < 2, outer, 0.0))


def _lanczos(x: Places) -> Places:
    return np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0.0)


def _area(x: Places) -> Places:
    return (np.abs(x) < 0.5).astype(np.float64)


def _bilinear(x: Places) -> Places:
    return np.asarray(np.maximum(0.0, 1 - np.abs(x)))


_SHAPES: dict[str, Callable[[Places], Places]] = {
    "area": _area,
    "bilinear": _bilinear,
    "bicubic": _cubic,
    "lanczos": _lanczos,
}
"""The kernels that smooth, over LR pixels from the middle."""

FINE = 8
"""Samples per pixel and axis of a motion."""

LONGEST_REACH = 3
"""LR pixels to each side of the middle; Lanczos has most."""


@functools.lru_cache(maxsize=16)
def kernel_taps(name: KernelName, factor: int) -> Taps:
    """Weights with which HR pixels make one of LR; sum 1.

    Returns:
        ``((2 * LONGEST_REACH + 1) * factor,)`` float32; the first one is for the pixel ``LONGEST_REACH * factor``
        before the first of the LR pixel's own.
    """
    count = (2 * LONGEST_REACH + 1) * factor
    places, taps = np.arange(count) - (count - 1) / 2, np.zeros(count)
    if name == "nearest":  # of an even number of pixels the one after the middle
        taps[count // 2] = 1.0
    else:
        taps = _SHAPES[name](places / factor)
    return np.asarray(taps / taps.sum(), np.float32)


def blur_radius(sigma: NDArray[np.float64], shift: NDArray[np.float64]) -> NDArray[np.float64]:
    """Taps to each side of the middle that Gaussians of some deviations and shifts have."""
    return np.ceil(3.5 * sigma + np.abs(shift)) + 1


def gaussian_taps(sigma: NDArray[np.float64], shift: NDArray[np.float64]) -> Taps:
    """Weights of a row that blur and move it, by any part of a pixel.

    The move is a linear interpolation between two Gaussians, each averaged over its pixels; the variance of both is
    taken off the Gaussian's.

    Args:
        sigma: ``(n,)`` deviations in pixels: exact from 0.8 up; of less than 0.3 nothing but the interpolation is left.
        shift: ``(n,)``: how far the picture moves right or down.

    Returns:
        ``(n, 2 * radius + 1)`` float32 with the largest :func:`blur_radius`; each row's sum is 1.
    """
    own = blur_radius(sigma, shift)[:, None]
    radius = int(own.max())
    # A shift is whole pixels and a part. The part blurs, and so does a pixel's width: the Gaussian has the rest.
    whole = np.floor(shift)
    part = (shift - whole)[:, None]
    rest = np.sqrt(np.maximum(sigma[:, None] ** 2 - part * (1 - part) - 1 / 12, 1e-6))

    edges = np.arange(-radius, radius + 3) - 0.5 + whole[:, None]
    # Integral of the Gaussian over each pixel, mixed from both neighbours by the part.
    steps = np.diff(erf(edges / (math.sqrt(2) * rest)), axis=1)
    taps = (1 - part) * steps[:, :-1] + part * steps[:, 1:]
    taps *= np.abs(np.arange(-radius, radius + 1)) <= own  # so that no row depends on the others
    return np.asarray(taps / taps.sum(axis=1, keepdims=True), np.float32)


def axis_taps(blur: Taps, kernel: Taps) -> tuple[Taps, int]:
    """Blur and down-sampling in one, so that only LR pixels are computed.

    Args:
        blur: ``(n, t)`` of :func:`gaussian_taps`.
        kernel: ``(n, k)``, rows of :func:`kernel_taps`.

    Returns:
        ``(n, t + k - 1)``, and by how many taps it begins before the first of the LR pixel's own.
    """
    count, taps = blur.shape[1], kernel.shape[1]
    whole = np.zeros((len(blur), count + taps - 1), np.float32)
    # A convolution of both, one tap of the kernel after the other.
    for i in np.flatnonzero(kernel.any(axis=0)):
        whole[:, i : i + count] += kernel[:, i : i + 1] * blur
    factor = taps // (2 * LONGEST_REACH + 1)
    return whole, LONGEST_REACH * factor + count // 2


@functools.lru_cache(maxsize=16)
def down_matrix(size: int, name: KernelName, factor: int) -> NDArray[np.float32]:
    """``(size / factor, size)`` matrix that down-samples a row; its ends are repeated."""
    taps = kernel_taps(name, factor)
    matrix = np.zeros((size // factor, size), np.float32)
    rows = np.arange(len(matrix))
    for i, tap in enumerate(taps):
        np.add.at(matrix, (rows, np.clip(rows * factor + i - LONGEST_REACH * factor, 0, size - 1)), tap)
    return matrix


def motion_kernel(length: float, angle: float, size: int) -> Taps:
    """``(size, size)`` line of a length (pixels) and angle (radians) through the middle, a pixel wide; sum 1.

    Lines shorter than two samples, which might fall between them, are that long.
    """
    places = (np.arange(size * FINE) + 0.5) / FINE - size / 2
    x, y = places[None, :], places[:, None]
    along, across = np.abs(x * math.cos(angle) + y * math.sin(angle)), np.abs(y * math.cos(angle) - x * math.sin(angle))
    # Drawn on a fine grid and averaged, so that any angle is smooth.
    covered = (along <= max(length / 2, 1 / FINE)) & (across <= 0.5)
    kernel = covered.reshape(size, FINE, size, FINE).mean(axis=(1, 3))
    return np.asarray(kernel / kernel.sum(), np.float32)


def disc_kernel(radius: float, size: int) -> Taps:
    """``(size, size)`` disc of a radius in pixels, its edge smooth over one pixel; sum 1."""
    places = np.arange(size) - (size - 1) / 2
    kernel = np.clip(radius + 0.5 - np.hypot(places[:, None], places), 0, 1)
    return np.asarray(kernel / kernel.sum(), np.float32)


def odd_size(length: float) -> int:
    """Side of a square of pixels that a length fits into, with room for its soft ends."""
    return math.ceil(length) // 2 * 2 + 3


@functools.lru_cache(maxsize=16)
def round_trip(size: int, smaller: int) -> NDArray[np.float32]:
    """``(size, size)`` matrix that makes a row smaller and brings it back, by area and bicubic."""
    unit = np.eye(size, dtype=np.float32)
    small = cv2.resize(unit, (size, smaller), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (size, size), interpolation=cv2.INTER_CUBIC), np.float32)


@functools.cache
def smoothing_taps() -> Taps:
    """``(t,)`` weights whose blur is what sharpening adds the opposite of: a Gaussian of one LR pixel."""
    return np.asarray(gaussian_taps(np.array([1.0]), np.array([0.0]))[0])


@functools.lru_cache(maxsize=16)
def smoothing(size: int) -> NDArray[np.float32]:
    """``(size, size)`` matrix that applies them to a row; its ends are repeated."""
    taps = smoothing_taps()
    matrix = np.zeros((size, size), np.float32)
    rows = np.arange(size)
    for offset, tap in enumerate(taps, start=-(len(taps) // 2)):
        np.add.at(matrix, (rows, np.clip(rows + offset, 0, size - 1)), tap)
    return matrix
