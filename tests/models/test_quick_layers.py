"""What runs quicker without derivatives gives what the plain layers give."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from glyphsr.nn.layers.gru_block import GRUBlock
from glyphsr.nn.layers.mish import mish
from glyphsr.nn.layers.pixel_shuffle import PixelShuffleUpsampler


@pytest.mark.parametrize("axis", ["vertical", "horizontal"])
@pytest.mark.parametrize("project", [True, False])
def test_both_directions_at_once_are_torchs_gru(axis, project):
    torch.manual_seed(0)
    block = GRUBlock(8 if not project else 6, 8, axis=axis, project=project).eval()
    for parameter in block.parameters():
        nn.init.normal_(parameter, std=0.5)
    x = torch.randn(3, 8 if not project else 6, 5, 7)
    expected = block(x)
    assert expected.requires_grad
    with torch.no_grad():
        found = block(x)
    assert found.shape == expected.shape
    assert torch.allclose(found, expected, atol=1e-5)


def test_mish_is_torchs():
    x = torch.cat([torch.linspace(-100, 100, 2001), torch.tensor([0.0, 1e-6, -1e-6, 20.0])])
    with torch.no_grad():
        assert torch.allclose(mish(x), F.mish(x), atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("side", [9, 5, 3])
def test_the_head_before_the_shuffle_is_the_head_behind_it(side):
    torch.manual_seed(0)
    upsampler, head = PixelShuffleUpsampler(4), nn.Conv2d(4, 3, side, padding=side // 2)
    x = torch.randn(2, 4, 6, 9)
    with torch.no_grad():
        assert torch.allclose(upsampler.then(head, x), head(upsampler(x)), atol=1e-5)
