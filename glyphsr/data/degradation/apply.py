"""Degrades one picture, as an array."""

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from glyphsr.config.degradation import DegradationConfig, KernelName
from glyphsr.data.degradation.compression import compress, compress_off_grid
from glyphsr.data.degradation.filters import (
    LONGEST_REACH,
    Taps,
    axis_taps,
    disc_kernel,
    gaussian_taps,
    kernel_taps,
    motion_kernel,
    odd_size,
    smoothing_taps,
)
from glyphsr.data.degradation.parameters import JPEG, DegradationParams, draw_numbers, sample_params
from glyphsr.data.noise import noise_at
from glyphsr.images.luma import LUMA

Planes = NDArray[np.float32]
"""``(3, h, w)`` on a scale of 1."""

Filter = tuple[Taps, int]
"""Weights of a row, and which of them is for the pixel itself."""


def degrade(
    hr: NDArray[np.uint8], config: DegradationConfig, rng: np.random.Generator, *, factor: int = 2
) -> NDArray[np.uint8]:
    """One random low-resolution version of a line.

    Args:
        hr: ``(H, W, 3)`` uint8, both sides multiples of ``factor``.
        config: Ranges to draw from; lengths scale with ``H / 32``.
        rng: Source of every draw.
        factor: Down-sampling factor.

    Returns:
        ``(H / factor, W / factor, 3)`` uint8.

    Raises:
        ValueError: If it is no such array.
    """
    params = sample_params(config, draw_numbers(rng), height=hr.shape[0])
    return next(degrade_each([hr], params, config, factor=factor))


def degrade_each(
    pictures: Sequence[NDArray[np.uint8]], params: DegradationParams, config: DegradationConfig, *, factor: int = 2
) -> Iterator[NDArray[np.uint8]]:
    """The low-resolution versions of pictures of one height and any width; the rest is as for :func:`degrade`.

    Args:
        pictures: As many as the recipe is for.
        params: Drawn with their height.
        config: That it was drawn from.
        factor: Down-sampling factor.
    """
    if not len(params):
        return

    # Blur and reduction are one filter per axis, computed for all pictures at once.
    kernels = np.stack([kernel_taps(name, factor) for name in config.kernels])[params.kernel.astype(np.int64)]

    count = len(params)
    blur = gaussian_taps(
        np.concatenate([params.sigma_x, params.sigma_y]), np.concatenate([params.shift_x, params.shift_y])
    )
    taps, before = axis_taps(blur, np.concatenate([kernels, kernels]))

    for i, (hr, row) in enumerate(zip(pictures, params.rows(), strict=True)):
        _check(hr, factor)
        filters = (_without_zeros(taps[i], before), _without_zeros(taps[count + i], before))
        yield _degrade(hr, row, filters, config, factor)


def _check(hr: NDArray[np.uint8], factor: int) -> None:
    if hr.dtype != np.uint8 or hr.ndim != 3 or hr.shape[2] != 3:
        raise ValueError(f"expected (H, W, 3) uint8, got {hr.shape} {hr.dtype}")
    if not min(hr.shape) or hr.shape[0] % factor or hr.shape[1] % factor:
        raise ValueError(f"expected sides that are multiples of {factor}, got {hr.shape[:2]}")


def _degrade(
    hr: NDArray[np.uint8], r: dict[str, float], filters: tuple[Filter, Filter], config: DegradationConfig, factor: int
) -> NDArray[np.uint8]:
    # Blur and down-sampling, with noise of the scene before it.
    name = config.kernels[int(r["kernel"])]
    lr = _shrink(_blur_freely(hr.astype(np.float32), r), filters, factor)
    lr *= np.float32(1 / 255)
    if r["noise_before"]:
        lr += _noise_before(hr.shape[:2], r, name, factor)

    _, height, width = lr.shape

    # A second round: shrunk, enlarged and compressed once more.
    if r["second_size"]:
        smaller = (max(1, round(r["second_size"] * width)), max(1, round(r["second_size"] * height)))
        again = np.stack([_there_and_back(plane, smaller) for plane in lr])
        lr = to_planes(compress(to_bytes(again), JPEG, int(r["second_quality"])))

    # Sharpening by the camera, with its halos.
    if r["ringing"]:
        smooth = np.stack([_filtered(plane, smoothing_taps(), len(smoothing_taps()) // 2) for plane in lr])
        lr += np.float32(r["ringing"]) * (lr - smooth)

    # Tone: contrast about the mean, brightness, saturation.
    mean = float(lr.mean(dtype=np.float64))
    lr = lr * np.float32(r["contrast"]) + np.float32(mean * (1 - r["contrast"]) + r["brightness"])
    if r["saturation"] < 1:
        gray = LUMA[0] * lr[0] + LUMA[1] * lr[1] + LUMA[2] * lr[2]
        lr = gray + np.float32(r["saturation"]) * (lr - gray)

    # Noise of the sensor.
    if r["noise_after"]:
        lr = lr + _noise_after(lr, r)

    # Compression, the first time on a grid that need not be the last one's.
    pixels = to_bytes(lr)
    if r["first_quality"]:
        pixels = compress_off_grid(pixels, JPEG, int(r["first_quality"]), (int(r["grid_x"]), int(r["grid_y"])))

    if r["codec"]:
        pixels = compress(pixels, int(r["codec"]), int(r["quality"]))

    return np.ascontiguousarray(pixels[..., ::-1])


def to_bytes(planes: Planes) -> NDArray[np.uint8]:
    """``(h, w, 3)`` uint8 BGR, rounded and clipped."""
    clipped = np.clip(planes[::-1], 0, 1) * np.float32(255) + np.float32(0.5)
    return np.ascontiguousarray(clipped.astype(np.uint8).transpose(1, 2, 0))


def to_planes(pixels: NDArray[np.uint8]) -> Planes:
    """Back to planes on a scale of 1."""
    return np.asarray(pixels[..., ::-1].transpose(2, 0, 1), np.float32) * np.float32(1 / 255)


def _blur_freely(image: NDArray[np.float32], r: dict[str, float]) -> NDArray[np.float32]:
    """Defocus and motion, which no filter per axis can do."""
    if r["defocus"]:
        kernel = disc_kernel(r["defocus"], odd_size(2 * r["defocus"]))
        image = np.asarray(cv2.filter2D(image, -1, kernel, borderType=cv2.BORDER_REPLICATE), np.float32)
    if r["motion"]:
        kernel = motion_kernel(r["motion"], r["angle"], odd_size(r["motion"]))
        image = np.asarray(cv2.filter2D(image, -1, kernel, borderType=cv2.BORDER_REPLICATE), np.float32)
    return image


def _shrink(image: NDArray[np.float32], filters: tuple[Filter, Filter], factor: int) -> Planes:
    """Shift, Gaussian blur and down-sampling: ``(H, W, 3)`` to ``(3, h, w)``."""
    (across, left), (down, up) = filters
    blurred = cv2.sepFilter2D(image, -1, across, down, anchor=(left, up), borderType=cv2.BORDER_REPLICATE)
    return np.ascontiguousarray(np.asarray(blurred)[::factor, ::factor].transpose(2, 0, 1))


def _without_zeros(taps: Taps, before: int) -> Filter:
    used = np.flatnonzero(taps)
    first, last = min(int(used[0]), before), max(int(used[-1]), before)
    return taps[first : last + 1], before - first


def _noise_before(size: tuple[int, int], r: dict[str, float], name: KernelName, factor: int) -> Planes:
    # Noise of the scene passes the same filter as the picture, and so is weaker and smoother in LR.
    noise = noise_at(int(r["noise_before_at"]), (1 if r["gray_noise"] else 3, *size))
    taps, before = _without_zeros(kernel_taps(name, factor), LONGEST_REACH * factor)
    small = np.stack([_filtered(plane, taps, before)[::factor, ::factor] for plane in noise])
    return np.asarray(np.float32(r["noise_before"]) * small, np.float32)


def _filtered(plane: NDArray[np.float32], taps: Taps, before: int) -> NDArray[np.float32]:
    """A plane filtered along both axes; its ends are repeated."""
    return np.asarray(
        cv2.sepFilter2D(plane, -1, taps, taps, anchor=(before, before), borderType=cv2.BORDER_REPLICATE), np.float32
    )


def _there_and_back(plane: NDArray[np.float32], smaller: tuple[int, int]) -> NDArray[np.float32]:
    small = cv2.resize(plane, smaller, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, plane.shape[::-1], interpolation=cv2.INTER_CUBIC), np.float32)


def _noise_after(lr: Planes, r: dict[str, float]) -> Planes:
    """Noise whose variance follows brightness where the recipe says so."""
    noise = noise_at(int(r["noise_after_at"]), lr.shape[1:] if r["gray_noise"] else lr.shape)
    variance = np.float32(1 - r["shot"]) + np.float32(2 * r["shot"]) * np.clip(lr, 0, 1)
    return np.asarray(np.float32(r["noise_after"]) * np.sqrt(variance) * noise, np.float32)
