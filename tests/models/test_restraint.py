"""The change over bicubic is held back where the prior is unsure."""

import pytest
import torch

from glyphsr.config.model import ModelConfig, RestraintConfig
from glyphsr.config.networks import GlyphSRConfig, GPMConfig, TSRNConfig
from glyphsr.config.recognizers import CRNNConfig, CTCTransformerConfig
from glyphsr.models.restraint import certainty, gate
from glyphsr.models.super_resolver import SuperResolver

CONFIG = RestraintConfig(reach=1.0, low=0.4, high=0.8, floor=0.1)


def symbols(*sure: float) -> torch.Tensor:
    """Two classes for each step, the first that likely."""
    first = torch.tensor(sure)
    return torch.stack([first, 1 - first])[None]


def test_certainty_multiplies_what_is_near():
    sure = certainty(symbols(0.9, 0.8, 1.0, 0.5), reach=1)[0]
    assert torch.allclose(sure, torch.tensor([0.72, 0.72, 0.4, 0.5]), atol=1e-6)
    assert torch.allclose(certainty(symbols(0.9, 0.8, 1.0, 0.5), reach=9), torch.full((1, 4), 0.36), atol=1e-6)
    assert certainty(symbols(0.9, 0.8), reach=0).tolist() == [pytest.approx([0.9, 0.8])]


def test_words_of_a_long_line_are_judged_by_themselves():
    line = symbols(*[1.0] * 30, *[0.55] * 30)
    share = gate(line, CONFIG, width=240)[0, 0, 0]
    assert share.shape == (240,)
    assert torch.allclose(share[:80], torch.ones(80), atol=1e-5)
    assert torch.allclose(share[130:], torch.full((110,), 0.1), atol=1e-5)


def test_between_low_and_high_the_share_is_linear():
    share = gate(symbols(0.6), CONFIG, width=2)
    assert torch.allclose(share, torch.full((1, 1, 1, 2), 0.1 + 0.9 * 0.5), atol=1e-5)


def model(prior, restraint) -> SuperResolver:
    torch.manual_seed(0)
    off = GPMConfig(line=False, char=False, cls=False)
    network = GlyphSRConfig(
        num_srbs=1, width=8, prior_width=4, prior_hidden=(8, 8, 8), gfm_from=None, gpm=off, output="residual"
    )
    built = SuperResolver.from_config(ModelConfig(network=network, prior=prior, restraint=restraint))
    torch.nn.init.normal_(built.network.head.weight, std=0.05)
    return built.eval()


@pytest.mark.parametrize(
    "prior",
    [
        CRNNConfig(width=4, hidden=8, input_width=None),
        CTCTransformerConfig(channels=(8, 8, 8), blocks=(1, 1), dim=16, depth=1, heads=2),
    ],
)
def test_an_unsure_prior_leaves_bicubic_in_use_but_not_in_training(prior):
    lr = torch.rand(2, 3, 16, 48)  # noise: nothing can be read in it, least of all by random weights
    plain = torch.nn.functional.interpolate(lr, scale_factor=2, mode="bicubic", align_corners=False)
    free = model(prior, None)(lr).sr[:, :3]
    held = model(prior, RestraintConfig(low=0.5, high=0.9))(lr).sr[:, :3]
    part = model(prior, RestraintConfig(low=0.5, high=0.9, floor=0.25))(lr).sr[:, :3]
    assert (free - plain).abs().max() > 0.01
    assert torch.allclose(held, plain, atol=1e-6)
    assert torch.allclose(part, plain + 0.25 * (free - plain), atol=1e-5)
    training = model(prior, RestraintConfig(low=0.5, high=0.9)).train()
    assert (training(lr).sr[:, :3] - plain).abs().max() > 0.01


def test_a_sure_prior_lets_everything_through():
    built = model(CRNNConfig(width=4, hidden=8, input_width=None), RestraintConfig())
    lr = torch.rand(1, 3, 16, 48)
    sure = torch.zeros(1, built.prior.num_classes, 1, 13)
    sure[:, 3] = 1.0
    free = model(CRNNConfig(width=4, hidden=8, input_width=None), None)
    assert torch.allclose(built(lr, sure).sr, free(lr, sure).sr, atol=1e-6)


def test_settings_that_cannot_work_are_refused():
    with pytest.raises(ValueError, match=r"more than low, 0\.8, got 0\.8"):
        RestraintConfig(low=0.8, high=0.8)
    with pytest.raises(ValueError, match="CTC prior"):
        ModelConfig(restraint=RestraintConfig())
    with pytest.raises(ValueError, match="CTC prior"):
        ModelConfig(network=TSRNConfig(), prior=CRNNConfig(), restraint=RestraintConfig())
