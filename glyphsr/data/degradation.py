"""Makes low resolution out of high resolution: shift, blur, contrast loss, down-sampling, noise, JPEG."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from glyphsr.config.training import DegradationConfig

REFERENCE_HEIGHT = 32
"""HR line height that the configuration's lengths refer to."""


def _motion_kernel(length: float, angle: float) -> NDArray[np.float32]:
    """Line of the given length (pixels) and angle (radians), normalised."""
    size = int(np.ceil(length)) // 2 * 2 + 3
    kernel = np.zeros((size, size), np.float32)
    centre, dx, dy = size / 2, np.cos(angle) * length / 2, np.sin(angle) * length / 2
    bits = 4  # sub-pixel end points in cv2's fixed-point form
    start = (round((centre - dx - 0.5) * 2**bits), round((centre - dy - 0.5) * 2**bits))
    end = (round((centre + dx - 0.5) * 2**bits), round((centre + dy - 0.5) * 2**bits))
    cv2.line(kernel, start, end, 1.0, 1, cv2.LINE_AA, bits)
    return np.asarray(kernel / max(float(kernel.sum()), 1e-6), np.float32)


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
    """
    height, width = hr.shape[:2]
    unit = height / REFERENCE_HEIGHT
    image: NDArray[Any] = hr.astype(np.float32) / 255.0
    mild = rng.random() < config.mild_share
    sigma = unit * rng.uniform(*(config.mild_blur_sigma if mild else config.blur_sigma))
    stretch = np.sqrt(config.anisotropy ** rng.uniform(-1, 1))
    shift = unit * rng.uniform(-config.shift, config.shift, 2)
    move = np.array([[1, 0, shift[0]], [0, 1, shift[1]]], np.float32)
    image = cv2.warpAffine(image, move, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    image = cv2.GaussianBlur(
        image, (0, 0), sigmaX=sigma * stretch, sigmaY=sigma / stretch, borderType=cv2.BORDER_REPLICATE
    )
    if not mild and rng.random() < config.motion_share:
        kernel = _motion_kernel(unit * rng.uniform(*config.motion_length), rng.uniform(0, np.pi))
        image = cv2.filter2D(image, -1, kernel, borderType=cv2.BORDER_REPLICATE)
    contrast = 1.0 if mild and rng.random() < 0.5 else rng.uniform(*config.contrast)
    mean = image.mean()
    image = mean + (image - mean) * contrast + rng.uniform(-config.brightness, config.brightness)
    kernel_choice = (cv2.INTER_AREA, cv2.INTER_LINEAR, cv2.INTER_CUBIC)[rng.integers(3)]
    lr = cv2.resize(image, (width // factor, height // factor), interpolation=kernel_choice)
    noise = rng.uniform(*config.noise_sigma)
    lr = lr + np.asarray(rng.normal(0.0, noise, lr.shape), np.float32)
    pixels: NDArray[Any] = np.clip(lr * 255.0 + 0.5, 0, 255).astype(np.uint8)
    if rng.random() < config.jpeg_share:
        quality = int(rng.integers(config.jpeg_quality[0], config.jpeg_quality[1] + 1))
        _, encoded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
        pixels = np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), np.uint8)
    return np.asarray(pixels, np.uint8)
