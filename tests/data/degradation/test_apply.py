import numpy as np
import pytest
from pydantic import ValidationError

from glyphsr.config.degradation import LEVELS, DegradationConfig
from glyphsr.data.degradation.apply import degrade, degrade_each
from glyphsr.data.degradation.filters import gaussian_taps, motion_kernel, odd_size
from glyphsr.data.degradation.parameters import draw_numbers, sample_params
from glyphsr.data.noise import FIELD_SIZE, noise_at

from ...conftest import draw_word

OFF = {
    "mild_prob": 0.0,
    "difficulty": (1.0, 1.0),
    "spread": 0.0,
    "blur_sigma": (0.0, 0.0),
    "anisotropy": (1.0, 1.0),
    "defocus_prob": (0.0, 0.0),
    "motion_prob": (0.0, 0.0),
    "shift": (0.0, 0.0),
    "kernels": ("area",),
    "noise_before_prob": (0.0, 0.0),
    "noise_after": (0.0, 0.0),
    "shot_noise": 0.0,
    "ringing_prob": (0.0, 0.0),
    "contrast": (1.0, 1.0),
    "saturation": (1.0, 1.0),
    "brightness": (0.0, 0.0),
    "compression_prob": (0.0, 0.0),
    "second_order_prob": (0.0, 0.0),
}
"""Down-sampling by the mean of four pixels, and nothing else."""


def only(**changes):
    return DegradationConfig(**(OFF | changes))


def rng(seed=0):
    return np.random.default_rng(seed)


def even(image):
    return np.ascontiguousarray(image[: image.shape[0] // 2 * 2, : image.shape[1] // 2 * 2])


def point(side=32, value=255):
    image = np.zeros((side, side, 3), np.uint8)
    image[side // 2, side // 2] = value
    return image


def centre(image):
    """Centre of mass, in pixels from the first one's centre."""
    weights = image.astype(float).sum(axis=2)
    return [
        float((weights.sum(axis=1 - axis) * np.arange(weights.shape[axis])).sum() / weights.sum()) for axis in (0, 1)
    ]


def test_same_seed_same_picture_other_seed_another():
    hr = even(draw_word("SEED"))
    first, again, other = (degrade(hr, DegradationConfig(), rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert (first.shape, first.dtype) == ((16, hr.shape[1] // 2, 3), np.uint8)


def test_many_at_once_are_as_one_by_one():
    pictures = [even(draw_word(text)) for text in ("one", "seventeen", "2")] * 10
    source = rng(3)
    alone = [degrade(picture, DegradationConfig(), source) for picture in pictures]
    params = sample_params(DegradationConfig(), draw_numbers(rng(3), len(pictures)), height=32)
    together = list(degrade_each(pictures, params, DegradationConfig()))
    assert all(np.array_equal(a, b) for a, b in zip(alone, together, strict=True))


def test_nothing_asked_for_is_the_mean_of_four_pixels():
    hr = even(draw_word("Plain"))
    mean = hr.reshape(16, 2, -1, 2, 3).mean(axis=(1, 3))
    assert np.abs(degrade(hr, only(), rng()) - mean).max() <= 0.51


@pytest.mark.parametrize("kernel", ["area", "bilinear", "bicubic", "lanczos", "nearest"])
@pytest.mark.parametrize("factor", [2, 3, 4])
def test_every_kernel_keeps_brightness_and_place(kernel, factor):
    flat = np.full((24, 48, 3), 120, np.uint8)
    config = only(kernels=(kernel,))
    assert (degrade(flat, config, rng(), factor=factor) == 120).all()
    half = flat.copy()
    half[:, 24:] = 200
    lr = degrade(half, config, rng(), factor=factor).astype(float)
    edge = 24 / factor
    assert abs(lr[:, : int(edge) - 2].mean() - 120) < 1.5
    assert abs(lr[:, int(edge) + 2 :].mean() - 200) < 1.5
    crossing = np.interp(160, lr[0, :, 0], np.arange(lr.shape[1]) + 0.5)
    assert crossing == pytest.approx(edge, abs=0.6 if kernel == "nearest" else 0.05)


def test_difficulty_0_is_down_sampling_and_little_else():
    hr = even(draw_word("Clean"))
    config = DegradationConfig(difficulty=0.0, mild_prob=0.0, kernels=("area",))
    for seed in range(5):
        assert np.abs(degrade(hr, config, rng(seed)).astype(int) - degrade(hr, only(), rng())).max() <= 2


def test_the_harder_the_farther_from_the_clean_picture():
    hr = even(draw_word("Difficult"))
    clean = degrade(hr, only(), rng()).astype(float)

    def error(difficulty):
        config = DegradationConfig(difficulty=difficulty, mild_prob=0.0)
        return np.mean([np.square(degrade(hr, config, rng(seed)) - clean).mean() for seed in range(40)])

    errors = [error(d) for d in (0.0, 0.25, 0.5, 0.75, 1.0)]
    assert errors == sorted(errors)
    assert errors[-1] > 20 * errors[0]
    levels = [error(level) for level in LEVELS.values()]
    assert levels == sorted(levels)


def test_a_shift_moves_the_picture_by_the_asked_part_of_a_pixel():
    config = only(shift=(0.0, 1.5), blur_sigma=(1.0, 1.0))
    for seed in range(6):
        params = sample_params(config, draw_numbers(rng(seed)), height=32)
        (lr,) = degrade_each([point(value=255)], params, config)
        y, x = centre(lr)
        assert x == pytest.approx((16 + 0.5 + params.shift_x[0]) / 2 - 0.5, abs=0.05)
        assert y == pytest.approx((16 + 0.5 + params.shift_y[0]) / 2 - 0.5, abs=0.05)


def spread(lr):
    """Deviation along rows and columns, in HR pixels."""
    weights = lr.astype(float).sum(axis=2)
    found = []
    for axis in (1, 0):
        profile = weights.sum(axis=1 - axis)
        places = np.arange(len(profile))
        mean = (profile * places).sum() / profile.sum()
        found.append(2 * np.sqrt((profile * (places - mean) ** 2).sum() / profile.sum()))
    return found


BRIGHT = np.zeros((64, 64, 3), np.uint8)
BRIGHT[28:36, 28:36] = 255
BOX = 8**2 / 12  # variance of a box of 8 pixels


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_blur_has_the_asked_deviation_as_gaussian_and_as_disc(share):
    config = only(blur_sigma=(3.0, 3.0), defocus_prob=(share, share))
    x, y = spread(degrade(BRIGHT, config, rng()))  # at height 64 lengths are twice as long
    assert x == y == pytest.approx(np.sqrt(36 + BOX), rel=0.06)


def test_anisotropic_blur_is_longer_along_one_axis():
    config = only(blur_sigma=(2.0, 2.0), anisotropy=(2.0, 2.0))
    ratios = [x / y for x, y in (spread(degrade(BRIGHT, config, rng(seed))) for seed in range(12))]
    assert min(ratios) < 0.8
    assert max(ratios) > 1.25
    assert 0.45 < min(ratios) < max(ratios) < 2.2


def test_motion_smears_along_one_direction_and_keeps_brightness():
    config = only(motion_prob=(1.0, 1.0), motion_length=(8.0, 8.0))
    params = sample_params(config, draw_numbers(rng(2)), height=32)
    (lr,) = degrade_each([point()], params, config)
    assert lr.astype(float).sum() == pytest.approx(255 * 3 / 4, rel=0.15)
    rows, columns = np.nonzero(lr[..., 0])
    seen = np.polyfit(columns, rows, 1)[0] if np.ptp(columns) >= np.ptp(rows) else 1 / np.polyfit(rows, columns, 1)[0]
    assert np.arctan(seen) % np.pi == pytest.approx(params.angle[0], abs=0.3)


@pytest.mark.parametrize("length", [1e-6, 0.1, 0.5, 1.0])
def test_the_shortest_motions_leave_the_picture_there(length):
    flat = np.full((32, 32, 3), 200, np.uint8)
    for seed in range(30):
        config = only(motion_prob=(1, 1), motion_length=(0.0, length))
        assert (degrade(flat, config, rng(seed)) == 200).all()
    for angle in (0.0, np.pi / 2, 0.7):
        assert motion_kernel(length, angle, odd_size(length)).sum() == pytest.approx(1)


def moments(kernel):
    """Centroid ``(x, y)``, deviation along the longer axis, and its angle."""
    y, x = np.indices(kernel.shape) - (len(kernel) - 1) / 2
    mean = np.array([(kernel * x).sum(), (kernel * y).sum()])
    covariance = np.cov(np.stack([x.ravel(), y.ravel()]), aweights=kernel.ravel(), ddof=0)
    values, vectors = np.linalg.eigh(covariance)
    return mean, np.sqrt(values[1]), np.arctan2(*vectors[::-1, 1]) % np.pi


@pytest.mark.parametrize("length", [2.5, 4.0, 7.3])
@pytest.mark.parametrize("angle", [0.0, 0.3, 1.2, 2.0, 3.0])
def test_motion_has_the_asked_length_and_angle_and_moves_nothing(length, angle):
    mean, deviation, found = moments(motion_kernel(length, angle, odd_size(length)))
    assert np.abs(mean).max() < 0.02
    assert deviation == pytest.approx(np.sqrt(length**2 / 12 + 1 / 12), rel=0.05)  # the line's, and the pixels'
    assert abs((found - angle + np.pi / 2) % np.pi - np.pi / 2) < 0.06


@pytest.mark.parametrize("sigma", [0.0, 0.2, 0.5, 2.0])
@pytest.mark.parametrize("shift", [-1.3, -0.4, 0.0, 0.25, 0.7])
def test_rows_are_moved_and_blurred_as_asked_down_to_parts_of_pixels(sigma, shift):
    (taps,) = gaussian_taps(np.array([sigma]), np.array([shift]))
    places = np.arange(len(taps)) - len(taps) // 2
    mean = (taps * places).sum()
    assert mean == pytest.approx(-shift, abs=1e-3)  # the picture moves one way, what it is taken from the other
    part = shift % 1
    least = part * (1 - part)  # of interpolation
    asked = max(sigma**2, least)
    assert (taps * (places - mean) ** 2).sum() == pytest.approx(asked, abs=0.09)
    assert taps.min() >= 0


def test_blur_lengths_scale_with_the_line_height():
    small = sample_params(DegradationConfig(), draw_numbers(rng()), height=32)
    large = sample_params(DegradationConfig(), draw_numbers(rng()), height=64)
    for name in ("sigma_x", "sigma_y", "shift_x", "motion", "defocus"):
        assert np.allclose(2 * getattr(small, name), getattr(large, name))
    assert small.noise_after == large.noise_after


@pytest.mark.parametrize("gray", [0.0, 1.0])
def test_noise_behind_has_the_asked_deviation_and_colour(gray):
    flat = np.full((64, 128, 3), 120, np.uint8)
    lr = degrade(flat, only(noise_after=(0.1, 0.1), gray_noise_prob=gray), rng()).astype(float)
    assert lr.std() == pytest.approx(25.5, rel=0.05)
    assert (np.ptp(lr, axis=2).max() == 0) == bool(gray)


def test_noise_before_is_smoothed_by_down_sampling():
    flat = np.full((64, 128, 3), 120, np.uint8)
    lr = degrade(flat, only(noise_before_prob=(1.0, 1.0), noise_before=(0.1, 0.1)), rng()).astype(float)
    assert lr.std() == pytest.approx(25.5 / 2, rel=0.05)  # the mean of four


def test_shot_noise_grows_with_brightness():
    flat = np.full((64, 64, 3), 30, np.uint8)
    flat[:, 32:] = 220
    config = only(noise_after=(0.05, 0.05), shot_noise=1.0)
    seeds = [seed for seed in range(60) if sample_params(config, draw_numbers(rng(seed)), height=64).shot[0] > 0.8][:3]
    for seed in seeds:
        lr = degrade(flat, config, rng(seed)).astype(float)
        assert lr[:, 17:].std() > 1.5 * lr[:, :15].std()
    assert seeds


def test_contrast_and_colour_are_lost_and_the_mean_stays():
    hr = even(draw_word("CONTRAST")).copy()
    hr[..., 0] //= 2
    plain = degrade(hr, only(), rng()).astype(float)
    faded = degrade(hr, only(contrast=(0.3, 0.3)), rng()).astype(float)
    assert np.allclose(faded, plain.mean() + 0.3 * (plain - plain.mean()), atol=1.1)
    gray = degrade(hr, only(saturation=(0.0, 0.0)), rng()).astype(float)
    assert np.ptp(gray, axis=2).max() <= 1
    assert np.allclose(gray[..., 0], plain @ [0.299, 0.587, 0.114], atol=1.1)


def test_sharpening_rings_beside_edges():
    half = np.full((32, 64, 3), 80, np.uint8)
    half[:, 32:] = 170
    soft = degrade(half, only(blur_sigma=(1.5, 1.5)), rng()).astype(int)
    ringing = degrade(half, only(blur_sigma=(1.5, 1.5), ringing_prob=(1, 1), ringing=(1.5, 1.5)), rng()).astype(int)
    assert (soft.min(), soft.max()) == (80, 170)
    assert ringing.min() < 76
    assert ringing.max() > 174


def test_compression_leaves_blocks_the_lower_its_quality_the_more():
    hr = even(draw_word("Quality", 64))
    clean = degrade(hr, only(), rng()).astype(float)

    def error(**changes):
        lr = degrade(hr, only(compression_prob=(1, 1), double_prob=(0, 0), **changes), rng())
        return np.abs(lr - clean).mean()

    assert 0 < error(quality=(95, 95), webp_prob=0.0) < error(quality=(30, 30), webp_prob=0.0)
    assert 0 < error(quality=(95, 95), webp_prob=1.0) < error(quality=(30, 30), webp_prob=1.0)


def test_red_stays_red_through_codecs():
    red = np.zeros((32, 64, 3), np.uint8)
    red[..., 0] = 200
    for webp in (0.0, 1.0):
        for again in (0.0, 1.0):
            config = only(compression_prob=(1, 1), webp_prob=webp, double_prob=(again, again))
            lr = degrade(red, config, rng()).astype(int)
            assert np.abs(lr - [200, 0, 0]).max() < 12


def test_a_second_round_loses_more():
    hr = even(draw_word("Second", 64))
    clean = degrade(hr, only(), rng()).astype(float)
    again = degrade(hr, only(second_order_prob=(1, 1)), rng()).astype(float)
    assert np.abs(again - clean).mean() > 1
    assert again.mean() == pytest.approx(clean.mean(), abs=1)


def test_pictures_are_mild_as_often_as_asked():
    config = DegradationConfig(mild_prob=0.25, mild_difficulty=(0.0, 0.2), difficulty=(0.5, 1.0))
    difficulty = sample_params(config, draw_numbers(rng(), 4000), height=32).difficulty
    assert (difficulty <= 0.2).mean() == pytest.approx(0.25, abs=0.03)
    assert ((difficulty <= 0.2) | (difficulty >= 0.5)).all()


def test_settings_change_one_thing_at_a_time():
    drawn = draw_numbers(rng(), 50)
    plain = sample_params(DegradationConfig(), drawn, height=32)
    more = sample_params(DegradationConfig(noise_after=(0.0, 0.2)), drawn, height=32)
    changed = [name for name in vars(plain) if not np.array_equal(getattr(plain, name), getattr(more, name))]
    assert changed == ["noise_after"]


def test_one_number_stands_for_a_range():
    assert DegradationConfig(difficulty=0.5).difficulty == (0.5, 0.5)
    assert DegradationConfig.model_validate_json('{"difficulty": [0.2, 0.4]}').difficulty == (0.2, 0.4)


@pytest.mark.parametrize(
    "changes",
    [
        {"difficulty": 1.5},
        {"quality": (25.0, 98.0)},
        {"noise_after": (0.0, 3.0)},
        {"motion_length": (0.0, 1e5)},
        {"difficulty": (0.6, 0.2)},
        {"kernels": ()},
        {"quality": (0.0, 0.0)},
        {"anisotropy": (0.5, 1)},
    ],
)
def test_settings_out_of_range_are_refused(changes):
    with pytest.raises(ValidationError):
        DegradationConfig(**changes)


@pytest.mark.parametrize("side", [2, 4, 8])
def test_pictures_smaller_than_the_kernel_are_degraded(side):
    hr = np.full((side, side, 3), 90, np.uint8)
    assert (degrade(hr, only(blur_sigma=(30.0, 30.0), motion_prob=(1, 1), motion_length=(30, 30)), rng()) == 90).all()


def test_nothing_is_degraded_to_nothing():
    params = sample_params(DegradationConfig(), draw_numbers(rng(), 0), height=32)
    assert list(degrade_each([], params, DegradationConfig())) == []


def test_the_planes_of_large_pictures_have_noise_of_their_own():
    noise = noise_at(5, (3, 512, 2048))
    assert not np.array_equal(noise[0], noise[1])
    assert abs(np.corrcoef(noise[0].ravel(), noise[1].ravel())[0, 1]) < 0.01
    assert np.array_equal(noise_at(0, (4,)), noise_at(FIELD_SIZE - 2, (6,))[2:])


@pytest.mark.parametrize("hr", [np.zeros((32, 64, 3)), np.zeros((32, 64), np.uint8), np.zeros((32, 64, 4), np.uint8)])
def test_arrays_of_other_kinds_are_refused(hr):
    with pytest.raises(ValueError, match=r"expected \(H, W, 3\) uint8, got"):
        degrade(hr, DegradationConfig(), rng())


def test_sides_that_do_not_divide_are_refused():
    with pytest.raises(ValueError, match="multiples of 2, got"):
        degrade(np.zeros((32, 33, 3), np.uint8), DegradationConfig(), rng())
