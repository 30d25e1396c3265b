import math

import pytest
import torch

from glyphsr.losses.hog import BINS, CELL, hog, hog_loss


def ramp(dx, dy, size=8):
    """A plane that rises by dx per column and dy per row."""
    y, x = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    return (dx * x + dy * y).double()[None, None]


@pytest.mark.parametrize(
    ("dx", "dy", "bin_"),
    [(0.0, 0.1, 0), (0.0, -0.1, 0), (0.1, 0.09, 1), (-0.1, -0.09, 1), (0.1, 0.0, 2), (0.1, -0.11, 3), (0.1, -0.3, 3)],
)
def test_a_plane_votes_for_the_bin_of_its_orientation_whatever_its_sign(dx, dy, bin_):
    # Bins follow atan2(gx, gy) / pi: a rise downwards is 0, to the right 1/2 of the way.
    descriptor = hog(ramp(dx, dy))[0, 0, :, 1:-1, 1:-1]
    expected = torch.zeros(BINS).double()
    expected[bin_] = 1.0
    assert torch.allclose(descriptor, expected[:, None, None].expand_as(descriptor), atol=1e-6)


def test_soft_bins_share_the_vote_between_the_two_nearest():
    angle = math.pi * 0.25 / BINS  # a quarter into bin 0: three quarters for it, a quarter for the last one
    descriptor = hog(ramp(0.1 * math.sin(angle), 0.1 * math.cos(angle)), binning="soft")[0, 0, :, 1, 1]
    expected = torch.tensor([0.75, 0.0, 0.0, 0.25]).double()
    assert torch.allclose(descriptor, expected / expected.norm(), atol=1e-6)
    middle = hog(ramp(0.1, 0.0), binning="soft")[0, 0, :, 1, 1]  # on the border of bins 1 and 2
    assert torch.allclose(middle, torch.tensor([0.0, 0.5**0.5, 0.5**0.5, 0.0]).double(), atol=1e-6)


def test_shape_length_and_flat_places():
    image = torch.rand(2, 4, 32, 128)
    descriptor = hog(image)
    assert descriptor.shape == (2, 4, BINS, 32 // CELL, 128 // CELL)
    assert torch.allclose(descriptor.norm(dim=2), torch.ones(2, 4, 16, 64), atol=1e-5)
    assert not hog(torch.full((1, 1, 8, 8), 0.3)).any()


def test_contrast_does_not_count_and_direction_does():
    image = torch.rand(1, 3, 16, 16)
    assert hog_loss(0.25 * image, image).item() == pytest.approx(0.0, abs=1e-6)
    assert hog_loss(image.transpose(2, 3), image).item() > 0.1
    with pytest.raises(ValueError, match="one shape"):
        hog_loss(image, image[:, :2])


@pytest.mark.parametrize("binning", ["hard", "soft"])
def test_the_derivative_is_that_of_finite_differences(binning):
    generator = torch.Generator().manual_seed(3)
    sr, hr = (torch.rand(1, 2, 6, 8, dtype=torch.float64, generator=generator) for _ in range(2))
    sr.requires_grad_(True)
    assert torch.autograd.gradcheck(lambda x: hog_loss(x, hr, binning=binning), sr, eps=1e-7, atol=1e-4)
    hog_loss(sr, hr, binning=binning).backward()
    assert sr.grad.abs().sum() > 0  # the published loss has none at all


@pytest.mark.parametrize("binning", ["hard", "soft"])
def test_flat_pictures_have_a_finite_derivative(binning):
    sr = torch.full((1, 1, 8, 8), 0.5, requires_grad=True)
    hog_loss(sr, torch.rand(1, 1, 8, 8), binning=binning).backward()
    assert torch.isfinite(sr.grad).all()
