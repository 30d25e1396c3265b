import numpy as np
import pytest
import torch

from glyphsr.config.degradation import DegradationConfig
from glyphsr.data.degradation import tensors
from glyphsr.data.degradation.apply import degrade_each
from glyphsr.data.degradation.filters import disc_kernel, motion_kernel
from glyphsr.data.degradation.parameters import draw_numbers, recipe_of
from glyphsr.data.degradation.tensors import degrade_batch

from ...conftest import draw_word
from .test_apply import OFF

COUNT = 48


def pictures(height=32):
    words = [draw_word(f"{i} some word or other", height)[:, : 3 * height] for i in range(COUNT)]
    return [np.ascontiguousarray(word[:, ::-1] if i % 2 else word) for i, word in enumerate(words)]


def as_tensor(images):
    return torch.from_numpy(np.stack(images).transpose(0, 3, 1, 2).copy()).float() / 255


def both(config, *, height=32, factor=2, seed=0):
    """Arrays and tensors, both as uint8."""
    images = pictures(height)
    recipe = recipe_of(config, draw_numbers(np.random.default_rng(seed), COUNT), height=height)
    arrays = np.stack(list(degrade_each(images, recipe, config, factor=factor)))
    batch = degrade_batch(as_tensor(images), recipe, config, factor=factor)
    return arrays.astype(int), (batch * 255).round().permute(0, 2, 3, 1).numpy().astype(int)


EFFECTS = {
    "nothing": {},
    "blur and shift": {"blur_sigma": (2.0, 2.0), "shift": (0.75, 0.75), "anisotropy": (1.3, 1.3)},
    "kernels": {"kernels": ("area", "bilinear", "bicubic", "lanczos", "nearest")},
    "defocus": {"blur_sigma": (2.0, 2.0), "defocus_share": (0.5, 0.5)},
    "motion": {"motion_share": (0.5, 0.5), "motion_length": (6.0, 6.0)},
    "noise before": {"noise_before_share": (0.6, 0.6), "noise_before": (0.1, 0.1), "kernels": ("area", "lanczos")},
    "noise after": {"noise_after": (0.1, 0.1), "shot_noise": 1.0},
    "ringing": {"ringing_share": (0.5, 0.5), "ringing": (1.0, 1.0)},
    "colour": {"contrast": (0.5, 0.5), "saturation": (0.3, 0.3), "brightness": (0.1, 0.1)},
}


@pytest.mark.parametrize("effect", EFFECTS)
@pytest.mark.parametrize(("height", "factor"), [(32, 2), (48, 3), (64, 2)])
def test_batches_equal_pictures_one_by_one(effect, height, factor):
    arrays, batch = both(DegradationConfig(**(OFF | EFFECTS[effect])), height=height, factor=factor)
    difference = np.abs(arrays - batch)
    assert difference.max() <= 1
    assert (difference > 0).mean() < 0.001  # numbers that are rounded up here and down there


def test_with_codecs_most_pixels_are_equal_and_none_is_far_off():
    """A rounding before a codec may come out of it as some levels in a few blocks."""
    arrays, batch = both(DegradationConfig())
    difference = np.abs(arrays - batch)
    assert (difference > 0).mean() < 0.01
    assert np.percentile(difference, 99.9) <= 4


def test_a_picture_does_not_depend_on_the_others():
    config = DegradationConfig()
    images = as_tensor(pictures())
    drawn = draw_numbers(np.random.default_rng(1), COUNT)
    whole = degrade_batch(images, recipe_of(config, drawn, height=32), config)
    part = degrade_batch(images[5:9], recipe_of(config, drawn[5:9], height=32), config)
    assert ((whole[5:9] - part).abs() > 1e-6).float().mean() < 0.01


def test_the_input_is_left_alone():
    config = DegradationConfig(motion_share=(1, 1), defocus_share=(1, 1))
    images = as_tensor(pictures())
    before = images.clone()
    degrade_batch(images, recipe_of(config, draw_numbers(np.random.default_rng(0), COUNT), height=32), config)
    assert torch.equal(images, before)


def test_channels_last_makes_no_difference():
    config = DegradationConfig()
    images = as_tensor(pictures())
    recipe = recipe_of(config, draw_numbers(np.random.default_rng(0), COUNT), height=32)
    other = images.contiguous(memory_format=torch.channels_last)
    assert torch.equal(degrade_batch(images, recipe, config), degrade_batch(other, recipe, config))


def test_the_convolution_for_gpus_is_the_one_of_cpus():
    images = as_tensor(pictures())
    kernels = [disc_kernel(3.0, 9), motion_kernel(5.0, 0.7, 7)]
    convolved, filtered = images.clone(), images.clone()
    tensors._convolve(convolved, [3, 10], kernels)
    tensors._filter_on_cpu(filtered, [3, 10], kernels)
    assert torch.allclose(convolved, filtered, atol=1e-5)
    assert torch.equal(convolved[[0, 4]], images[[0, 4]])
    assert not torch.allclose(convolved[[3, 10]], images[[3, 10]], atol=0.1)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_a_gpu_gives_the_pictures_of_the_cpu():
    images = as_tensor(pictures())
    for effect in EFFECTS.values():
        config = DegradationConfig(**(OFF | effect))
        recipe = recipe_of(config, draw_numbers(np.random.default_rng(0), COUNT), height=32)
        here, there = degrade_batch(images, recipe, config), degrade_batch(images.cuda(), recipe, config).cpu()
        assert ((here - there).abs() > 1e-6).float().mean() < 0.001


@pytest.mark.parametrize("dtype", [torch.float16, torch.float64])
def test_other_float_types_and_gradients_are_taken(dtype):
    config = DegradationConfig(motion_share=(1, 1), compression_share=(0, 0), second_order_share=(0, 0))
    recipe = recipe_of(config, draw_numbers(np.random.default_rng(0), COUNT), height=32)
    images = as_tensor(pictures())
    plain = degrade_batch(images, recipe, config)
    other = degrade_batch(images.to(dtype).requires_grad_(), recipe, config)
    assert (other.dtype, other.requires_grad) == (torch.float32, False)
    assert (plain - other).abs().max() < 1.1 / 255


def test_autocast_makes_no_difference():
    config = DegradationConfig()
    recipe = recipe_of(config, draw_numbers(np.random.default_rng(0), COUNT), height=32)
    images = as_tensor(pictures())
    with torch.autocast("cpu", torch.bfloat16):
        inside = degrade_batch(images, recipe, config)
    assert torch.equal(inside, degrade_batch(images, recipe, config))


def test_no_pictures_are_no_pictures():
    config = DegradationConfig()
    recipe = recipe_of(config, draw_numbers(np.random.default_rng(0), 0), height=32)
    assert degrade_batch(torch.zeros(0, 3, 32, 64), recipe, config).shape == (0, 3, 16, 32)


def test_arguments_that_do_not_fit_are_refused():
    config = DegradationConfig()
    recipe = recipe_of(config, draw_numbers(np.random.default_rng(0), 2), height=32)
    with pytest.raises(ValueError, match="multiples of 2"):
        degrade_batch(torch.zeros(2, 3, 32, 33), recipe, config)
    with pytest.raises(ValueError, match=r"expected \(B, 3, H, W\) of a float type"):
        degrade_batch(torch.zeros(2, 3, 32, 32, dtype=torch.uint8), recipe, config)
    with pytest.raises(ValueError, match="recipes of 3 pictures, got 2"):
        degrade_batch(torch.zeros(3, 3, 32, 32), recipe, config)
