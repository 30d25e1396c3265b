"""What the package's model has in place of the published layers: aligned priors, blocks without recurrence."""

import pytest
import torch

from glyphsr.config.glyph_perception import GPMConfig
from glyphsr.models.glyphsr.network import GlyphSR
from glyphsr.models.glyphsr.settings import GlyphSRConfig
from glyphsr.nn.layers.aligned_prior import AlignedPrior

CONFIG = GlyphSRConfig(
    num_srbs=3,
    width=8,
    prior_width=4,
    prior_hidden=(8, 8, 8),
    prior_layout="aligned",
    block="convolutional",
    head_kernel=5,
    gfm_from=3,
    gpm=GPMConfig(width=8, num_slots=4, num_classes=7),
    image_channels=3,
    output="residual",
)


@pytest.mark.parametrize("size", [(16, 64), (12, 33), (40, 90)])
def test_an_aligned_prior_is_drawn_where_its_steps_lie(size):
    torch.manual_seed(0)
    layer = AlignedPrior(5, (8, 8), 4).eval()
    prior = torch.rand(1, 5, 1, 32).softmax(dim=1)
    other = prior.clone()
    other[..., 24] = prior[..., 24].flip(1)
    features = torch.zeros(1, 8, *size)
    drawn, changed = layer(prior, features), layer(other, features)
    assert drawn.shape == (1, 4, *size)
    columns = (drawn - changed).abs().amax(dim=(0, 1, 2))
    centre = (24.5 / 32) * size[1]
    strongest = (columns * torch.arange(size[1])).sum() / columns.sum()
    assert abs(strongest - centre) < 0.05 * size[1]
    assert columns[: size[1] // 2].max() == 0  # two convolutions of 5 and one of 3 reach five steps


def test_rows_of_an_aligned_prior_differ():
    torch.manual_seed(0)
    drawn = AlignedPrior(5, (8, 8), 4)(torch.rand(1, 5, 1, 32), torch.zeros(1, 8, 16, 64))
    assert (drawn[:, :, 0] - drawn[:, :, 15]).abs().max() > 1e-3


def test_the_network_starts_from_bicubic_and_every_part_learns():
    torch.manual_seed(0)
    network = GlyphSR.from_config(CONFIG, num_classes=5)
    lr, prior = torch.rand(2, 3, 16, 48), torch.rand(2, 5, 1, 24).softmax(dim=1)
    plain = torch.nn.functional.interpolate(lr, scale_factor=2, mode="bicubic", align_corners=False)
    assert torch.equal(network.eval()(lr, prior).sr, plain)
    torch.nn.init.normal_(network.head.weight, std=0.1)
    out = network.train()(lr, prior)
    (out.sr.square().sum() + out.glyphs.line.sum() + out.glyphs.classes.square().sum()).backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in network.parameters())
    assert network.prior_transformer.conv1.weight.grad.abs().sum() > 0  # the prior has a say


def test_no_prior_is_a_prior_of_nothing():
    network = GlyphSR.from_config(CONFIG, num_classes=5).eval()
    torch.nn.init.normal_(network.head.weight, std=0.1)
    lr = torch.rand(2, 3, 16, 48)
    assert torch.equal(network(lr, None).sr, network(lr, torch.zeros(1, 5, 1, 26)).sr)
