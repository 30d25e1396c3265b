"""A larger network that starts from a smaller one."""

import pytest
import torch

from glyphsr.config.glyph_perception import GPMConfig
from glyphsr.models.glyphsr.net2net import enlarge
from glyphsr.models.glyphsr.network import GlyphSR
from glyphsr.models.glyphsr.settings import GlyphSRConfig

SMALL: dict[str, object] = {"num_srbs": 2, "gfm_from": 2, "prior_width": 8, "prior_hidden": (16, 16, 8)}
LARGE: dict[str, object] = {"num_srbs": 4, "gfm_from": 4, "prior_width": 12, "prior_hidden": (24, 32, 8)}


def network(seed: int, **shape: object) -> GlyphSR:
    torch.manual_seed(seed)
    config = GlyphSRConfig(
        block="convolutional",
        prior_layout="aligned",
        output="residual",
        width=32,
        image_channels=3,
        gpm=GPMConfig(width=32),
        **shape,
    )
    built = GlyphSR.from_config(config, num_classes=10).eval()
    torch.nn.init.normal_(built.head.weight, std=0.1)  # as built it adds nothing to bicubic
    return built


def test_computes_the_same_at_first():
    small, large = network(1, **SMALL), network(2, **LARGE)
    lr, prior = torch.rand(2, 3, 16, 40), torch.rand(2, 10, 1, 15).softmax(dim=1)
    before = small(lr, prior).sr
    assert not torch.allclose(before, large(lr, prior).sr, atol=1e-2)

    large.load_state_dict(enlarge(small.state_dict(), large))
    torch.testing.assert_close(large(lr, prior).sr, before, atol=1e-5, rtol=0)


def test_new_units_learn():
    small, large = network(1, **SMALL), network(2, **LARGE)
    large.load_state_dict(enlarge(small.state_dict(), large))
    large.train()
    large(torch.rand(2, 3, 16, 40), torch.rand(2, 10, 1, 15)).sr.square().sum().backward()
    assert large.srbs[0].conv1.weight.grad[:, 32 + 8 :].abs().max() > 0  # what sees the prior's new channels
    assert large.srbs[3].bn2.weight.grad.abs().max() > 0
    assert large.prior_transformer.conv2.weight.grad[:, 16:].abs().max() > 0


def test_a_larger_one_does_not_become_smaller():
    with pytest.raises(ValueError, match="smaller one"):
        enlarge(network(1, **LARGE).state_dict(), network(2, **SMALL))
