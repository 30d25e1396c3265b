import numpy as np
import pytest

from glyphsr.config.training import DegradationConfig
from glyphsr.data.degradation import degrade

from ..conftest import draw_word

SHARP = DegradationConfig(
    mild_share=1.0,
    mild_blur_sigma=(0.01, 0.02),
    shift=0.0,
    contrast=(1.0, 1.0),
    brightness=0.0,
    noise_sigma=(0.0, 0.0),
    jpeg_share=0.0,
)


def even(image):
    return np.ascontiguousarray(image[: image.shape[0] // 2 * 2, : image.shape[1] // 2 * 2])


def test_same_seed_same_picture_other_seed_another():
    hr = even(draw_word("SEED"))
    first, again, other = (degrade(hr, DegradationConfig(), np.random.default_rng(s)) for s in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert first.shape == (16, hr.shape[1] // 2, 3)
    assert first.dtype == np.uint8


def test_nothing_asked_for_is_nothing_but_down_sampling():
    hr = np.full((32, 64, 3), 120, np.uint8)
    assert np.abs(degrade(hr, SHARP, np.random.default_rng(0)).astype(int) - 120).max() <= 1


def test_blur_lengths_scale_with_the_line_height():
    def sharpness(height):
        hr = even(draw_word("BLUR", height))
        config = SHARP.model_copy(update={"mild_share": 0.0, "blur_sigma": (3.0, 3.0), "motion_share": 0.0})
        lr = degrade(hr, config, np.random.default_rng(0)).astype(float)
        return np.abs(np.diff(lr, axis=1)).max() * height

    # Twice the height, twice the blur in pixels: half the steepness per pixel, the same per line height.
    assert sharpness(64) == pytest.approx(sharpness(32), rel=0.25)


def test_noise_has_the_asked_deviation():
    flat = np.full((32, 64, 3), 120, np.uint8)
    noisy = SHARP.model_copy(update={"noise_sigma": (0.1, 0.1)})
    assert degrade(flat, noisy, np.random.default_rng(0)).std() == pytest.approx(25.5, rel=0.1)


def test_contrast_loss_narrows_the_range():
    hr = even(draw_word("CONTRAST"))
    faded = {"contrast": (0.3, 0.3), "mild_share": 0.0, "blur_sigma": (0.01, 0.01), "motion_share": 0.0}
    lr = degrade(hr, SHARP.model_copy(update=faded), np.random.default_rng(0))
    assert np.ptp(lr.astype(int)) < 0.45 * np.ptp(hr.astype(int))


def test_motion_blur_smears_along_one_direction_and_keeps_brightness():
    point = np.zeros((32, 32, 3), np.uint8)
    point[16, 16] = 255
    moved = {"mild_share": 0.0, "blur_sigma": (0.01, 0.01), "motion_share": 1.0, "motion_length": (8.0, 8.0)}
    lr = degrade(point, SHARP.model_copy(update=moved), np.random.default_rng(0))
    assert (lr > 2).sum() >= 3 * 3
    assert lr.max() < 40
