import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from glyphsr.metrics.psnr import batch_psnr, psnr
from glyphsr.metrics.ssim import ssim, standard_ssim


@given(error=st.floats(0.01, 0.9))
def test_a_uniform_error_has_its_closed_form(error):
    hr = torch.zeros(2, 3, 4, 4)
    expected = -20 * np.log10(error)
    assert psnr(hr + error, hr).tolist() == pytest.approx([expected] * 2, abs=1e-4)
    assert float(batch_psnr(hr + error, hr)) == pytest.approx(expected, abs=1e-4)


def test_a_batch_is_never_above_the_mean_of_its_images():
    torch.manual_seed(0)
    hr = torch.rand(6, 3, 8, 8)
    sr = hr + torch.linspace(0.01, 0.5, 6).view(6, 1, 1, 1) * torch.randn_like(hr)
    assert float(batch_psnr(sr, hr)) < float(psnr(sr, hr).mean())


def test_a_mask_channel_does_not_count_and_identical_batches_are_infinite():
    hr = torch.rand(2, 4, 16, 16)
    sr = hr.clone()
    sr[:, 3] += 1
    assert float(batch_psnr(sr, hr)) == float("inf")
    assert torch.allclose(ssim(sr, hr), torch.ones(2))


def test_ssim_of_two_flat_images_has_its_closed_form_inside():
    # Without structure only the luminance term is left, away from the zeros outside.
    dark, light = torch.full((1, 3, 64, 64), 0.2), torch.full((1, 3, 64, 64), 0.6)
    luminance = (2 * 0.2 * 0.6 + 0.01**2) / (0.2**2 + 0.6**2 + 0.01**2)
    a, b = (np.full((32, 32, 3), value, np.uint8) for value in (51, 153))
    assert standard_ssim(a, b) == pytest.approx(luminance, abs=1e-6)
    assert float(ssim(dark, light)) < luminance  # zero padding brings contrast to the border


def test_tiny_pictures_have_no_standard_ssim():
    flat = np.zeros((8, 40, 3), np.uint8)
    assert np.isnan(standard_ssim(flat, flat))


@pytest.mark.parametrize("metric", [psnr, batch_psnr, ssim])
def test_shapes_must_agree(metric):
    with pytest.raises(ValueError, match="one shape"):
        metric(torch.zeros(1, 3, 4, 4), torch.zeros(1, 3, 4, 5))
