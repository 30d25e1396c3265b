import math

import pytest
import torch
import torch.nn.functional as F

from glyphsr.config.recognizers import CRNNConfig, PARSeqConfig
from glyphsr.nn.layers.deformable import DepthwiseDeformableConv
from glyphsr.nn.layers.dsta import DSTAGate
from glyphsr.nn.layers.gru_block import GRUBlock
from glyphsr.nn.layers.stn import SpatialTransformer, ThinPlateSpline, regular_control_points
from glyphsr.recognizers.crnn.network import CRNN
from glyphsr.recognizers.moran.rectifier import Rectifier
from glyphsr.recognizers.parseq.network import PARSeq

from ..conftest import draw_word


def test_crnn_steps_follow_the_width_when_the_aspect_is_kept():
    network = CRNN(CRNNConfig(width=4, hidden=8, input_width=None)).eval()
    with torch.no_grad():
        assert network.probabilities(torch.rand(1, 3, 16, 64)).shape == (1, 37, 33)
        assert network.probabilities(torch.rand(1, 3, 16, 20)).shape == (1, 37, 11)
        assert CRNN(CRNNConfig(width=4, hidden=8)).eval().probabilities(torch.rand(1, 3, 16, 64)).shape[2] == 26


def test_standardising_ignores_brightness_and_nearly_contrast():
    network = CRNN(CRNNConfig(width=4, hidden=8, standardise=True))
    images = torch.rand(1, 3, 32, 100)
    assert torch.allclose(network.prepare(images), network.prepare(images - 0.3), atol=1e-5)
    plain = CRNN(CRNNConfig(width=4, hidden=8)).prepare(images)
    assert not torch.allclose(plain, network.prepare(images), atol=0.1)


def test_crnn_confidence_multiplies_the_characters_and_an_empty_path_has_none():
    network = CRNN(CRNNConfig(width=4, hidden=8))
    probabilities = torch.zeros(1, 37, 4)
    probabilities[0, [11, 11, 0, 12], range(4)] = torch.tensor([0.8, 0.9, 1.0, 0.5])
    reading = network.decode(probabilities)[0]
    assert reading.text == "ab"
    assert math.isclose(reading.confidence, 0.4, rel_tol=1e-6)
    blank = torch.zeros(1, 37, 4)
    blank[:, 0] = 1
    assert (network.decode(blank)[0].text, network.decode(blank)[0].confidence) == ("", 0.0)


def test_parseq_reads_one_text_per_image_with_a_probability():
    torch.manual_seed(0)
    network = PARSeq(PARSeqConfig(embed_dim=24, encoder_depth=1, encoder_heads=2, decoder_heads=2)).eval()
    readings = network.read(torch.rand(3, 3, 16, 64))
    assert len(readings) == 3
    assert all(0 <= reading.confidence <= 1 and len(reading.text) <= 26 for reading in readings)


def test_gru_block_runs_along_its_axis_only():
    torch.manual_seed(0)
    for axis, same in (("vertical", (slice(None), slice(0, 5))), ("horizontal", (slice(0, 5), slice(None)))):
        block = GRUBlock(4, 6, axis=axis)
        x = torch.rand(1, 4, 8, 8)
        changed = x.clone()
        changed[..., 6, 6] += 1
        with torch.no_grad():
            difference = (block(x) - block(changed)).abs().sum(dim=1)[0]
        assert difference[same].max() == 0
        assert difference.max() > 0


def test_widths_that_cannot_be_halved_are_refused():
    with pytest.raises(ValueError, match="even"):
        GRUBlock(4, 5, axis="vertical")
    with pytest.raises(ValueError, match="multiple of 4"):
        DSTAGate(6)


def test_gate_never_amplifies_and_takes_small_inputs():
    gate = DSTAGate(8).eval()
    x = torch.rand(1, 8, 6, 9)
    with torch.no_grad():
        y = gate(x)
    assert y.shape == x.shape
    assert ((y >= 0) & (y <= x)).all()


@pytest.mark.parametrize("size", [(1, 9), (1, 1), (5, 7)])
def test_deformable_convolution_equals_torchvisions(size):
    from torchvision.ops import deform_conv2d

    torch.manual_seed(0)
    conv = DepthwiseDeformableConv(4)
    torch.nn.init.normal_(conv.bias)
    x = torch.rand(2, 4, *size, requires_grad=True)
    offset = (3 * torch.randn(2, 72, *size)).requires_grad_()
    modulation = torch.rand(2, 36, *size, requires_grad=True)
    ours = conv(x, offset, modulation)
    theirs = deform_conv2d(x, offset, conv.weight, conv.bias, padding=1, mask=modulation)
    assert torch.allclose(ours, theirs, atol=1e-5)
    for mine, other in zip(
        torch.autograd.grad(ours.square().sum(), (x, offset, modulation)),
        torch.autograd.grad(theirs.square().sum(), (x, offset, modulation)),
        strict=True,
    ):
        assert torch.allclose(mine, other, atol=1e-4)


def test_spline_with_its_own_points_is_the_identity():
    image = torch.rand(1, 3, 16, 64)
    spline = ThinPlateSpline((16, 64))
    same = spline(image, regular_control_points(20, 0.05)[None])
    assert torch.allclose(same, image, atol=1e-3)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_the_spline_does_not_suffer_from_half_precision_around_it(dtype):
    torch.manual_seed(0)
    image, spline = torch.rand(2, 3, 16, 64), ThinPlateSpline((16, 64))
    points = regular_control_points(20, 0.05)[None] + 0.02 * torch.randn(2, 20, 2)
    expected = spline(image, points)
    with torch.autocast("cpu", dtype):
        assert torch.equal(spline(image, points), expected)


def test_spatial_transformer_starts_near_the_identity():
    transformer = SpatialTransformer(3).eval()
    with torch.no_grad():
        points = transformer.localizer(torch.rand(2, 3, 16, 64))
        assert torch.allclose(points[0], regular_control_points(20, 0.01), atol=1e-6)
        assert transformer(torch.rand(2, 3, 16, 64)).shape == (2, 3, 16, 64)


def test_a_fresh_rectifier_leaves_pictures_readable():
    torch.manual_seed(0)
    picture = torch.tensor(draw_word("HOTEL")).permute(2, 0, 1)[None, :1].float() / 255
    picture = F.interpolate(picture, size=(32, 100), mode="bicubic").clamp(0, 1).expand(4, -1, -1, -1)
    rectifier = Rectifier(align_corners=True).train()
    moved = (rectifier(picture) - picture).abs().mean()
    assert 0 < moved < 0.2 * picture.std()
    moved.backward()
    assert all(parameter.grad.abs().max() > 0 for parameter in rectifier.cnn[-2:].parameters())
