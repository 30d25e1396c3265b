import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from glyphsr.config.glyph_perception import GPMConfig
from glyphsr.config.model import ModelConfig
from glyphsr.config.recognizers import CRNNConfig, PARSeqConfig
from glyphsr.models.glyphsr.network import GlyphSR
from glyphsr.models.glyphsr.official_keys import config_from_keys, key_table
from glyphsr.models.glyphsr.settings import GlyphSRConfig
from glyphsr.models.super_resolver import SuperResolver
from glyphsr.nn.layers.grayscale import brightness_mask

OFF = GPMConfig(line=False, char=False, cls=False)


def small(**changes) -> GlyphSRConfig:
    gpm = changes.pop("gpm", GPMConfig(width=8, num_slots=4, num_classes=7))
    return GlyphSRConfig(width=8, prior_width=4, prior_hidden=(8, 8, 8), gpm=gpm, **changes)


def build(config, num_classes=5) -> GlyphSR:
    torch.manual_seed(0)
    return GlyphSR.from_config(config, num_classes=num_classes)


def prior(batch=2, steps=26):
    return torch.rand(batch, 5, 1, steps).softmax(dim=1)


@pytest.mark.parametrize("gfm_from", [None, 3, 4, 5])
def test_fusion_starts_at_the_named_srb(gfm_from):
    network = build(small(gfm_from=gfm_from))
    assert list(network.gfms) == [str(n) for n in range(gfm_from or 6, 6)]
    out = network(torch.rand(2, 4, 16, 64), prior())
    assert out.sr.shape == (2, 4, 32, 128)
    assert out.glyphs.chars.shape == (2, 4, 16, 64)


TASKS = [(a, b, c) for a in (True, False) for b in (True, False) for c in (True, False)]


@pytest.mark.parametrize(("line", "char", "cls"), TASKS)
def test_glyph_tasks_switch_their_heads(line, char, cls):
    gpm = GPMConfig(line=line, char=char, cls=cls, width=8, num_slots=4, num_classes=7)
    network = build(small(gfm_from=None, gpm=gpm))
    out = network(torch.rand(2, 4, 16, 64), prior())
    if not (line or char or cls):
        assert network.gpm is None
        assert out.glyphs is None
        return
    # classes are pooled with both maps, so they bring them along
    assert (out.glyphs.line is not None) == (line or cls)
    assert (out.glyphs.chars is not None) == (char or cls)
    assert (out.glyphs.classes is not None) == cls


def test_every_parameter_gets_a_finite_gradient():
    config = GlyphSRConfig(width=16, prior_width=16, prior_hidden=(8, 8, 8), image_channels=3)
    reached = set()
    for seed in range(6):  # one narrow ReLU may be dead for one draw of the weights, none for all of them
        torch.manual_seed(seed)
        network = GlyphSR.from_config(config, num_classes=5)
        out = network(torch.rand(2, 3, 16, 64), prior())
        (out.sr.square().sum() + out.glyphs.line.sum() + out.glyphs.classes.square().sum()).backward()
        for name, parameter in network.named_parameters():
            assert parameter.grad is not None, name
            assert torch.isfinite(parameter.grad).all(), name
            if parameter.grad.abs().sum() > 0:
                reached.add(name)
    assert {name for name, _ in network.named_parameters()} == reached


def calls_of(module):
    seen = []
    module.register_forward_hook(lambda *_: seen.append(1))
    return seen


def test_inference_runs_only_what_the_image_needs():
    fused = build(small()).eval()
    skipped = [calls_of(m) for m in (fused.gpm.line_head, fused.gpm.class_head, fused.gpm.class_features)]
    needed = calls_of(fused.gpm.char_head)
    out = fused(torch.rand(1, 4, 16, 64), prior(1))
    assert (len(needed), [len(calls) for calls in skipped]) == (1, [0, 0, 0])
    assert out.glyphs.classes is None
    unfused = build(small(gfm_from=None)).eval()
    perceived = calls_of(unfused.gpm)
    assert unfused(torch.rand(1, 4, 16, 64), prior(1)).glyphs is None
    assert not perceived


def test_leaving_heads_out_does_not_change_the_picture():
    network = build(small()).eval()
    lr, p = torch.rand(1, 4, 16, 64), prior(1)
    with torch.no_grad():
        assert torch.equal(network(lr, p).sr, network(lr, p, with_glyphs=True).sr)


@settings(max_examples=12, deadline=None)
@given(st.integers(2, 40), st.integers(2, 90), st.integers(3, 40))
def test_the_result_is_twice_the_input_whatever_its_size(height, width, steps):
    network = build(small(image_channels=3)).eval()
    with torch.no_grad():
        assert network(torch.rand(1, 3, height, width), prior(1, steps)).sr.shape == (1, 3, 2 * height, 2 * width)


def test_without_prior_zeros_stand_in():
    network = build(small()).eval()
    lr = torch.rand(2, 4, 16, 64)
    with torch.no_grad():
        assert torch.equal(network(lr, None).sr, network(lr, torch.zeros(2, 5, 1, 26)).sr)


def test_residual_output_starts_as_bicubic_and_tanh_stays_in_range():
    lr = torch.rand(1, 3, 16, 64)
    network = build(small(image_channels=3, output="residual")).eval()
    plain = torch.nn.functional.interpolate(lr, scale_factor=2, mode="bicubic", align_corners=False)
    with torch.no_grad():
        assert torch.allclose(network(lr, prior(1)).sr, plain)
        assert build(small(image_channels=3)).eval()(lr, prior(1)).sr.abs().max() < 1


def test_one_batch_can_be_overfitted():
    network = build(small(image_channels=3, gfm_from=None, gpm=OFF, output="residual", num_srbs=1))
    lr = torch.rand(2, 3, 8, 16)
    hr = torch.rand(2, 3, 8, 16).repeat_interleave(2, 2).repeat_interleave(2, 3)
    p = prior(2)
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-2)
    losses = []
    for _ in range(60):
        loss = (network(lr, p).sr - hr).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.25 * losses[0]


@pytest.mark.parametrize("changes", [{}, {"gfm_from": 5}, {"gfm_from": 3, "stn": True}, {"gfm_from": None}])
def test_the_shape_of_a_network_can_be_read_off_its_official_keys(changes):
    config = GlyphSRConfig(**changes)
    network = GlyphSR.from_config(config, num_classes=37)
    shapes = {key_table(config).published(key): tuple(value.shape) for key, value in network.state_dict().items()}
    assert config_from_keys(shapes) == (config, 37)


def test_config_from_keys_refuses_strangers():
    with pytest.raises(KeyError, match=r"infoGen\.tconv1\.weight"):
        config_from_keys({"conv.weight": (3, 3)})


def test_mask_is_pils_luma_against_its_mean():
    import numpy as np
    from PIL import Image

    pixels = np.random.default_rng(0).integers(0, 256, (16, 64, 3), np.uint8)
    luma = np.asarray(Image.fromarray(pixels).convert("L"), np.float64)
    expected = (luma <= luma.mean()).astype(np.float32)
    tensor = torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255
    assert np.array_equal(brightness_mask(tensor)[0, 0].numpy(), expected)
    assert brightness_mask(torch.full((1, 3, 4, 4), 0.3)).min() == 1


@pytest.mark.parametrize("kind", ["crnn", "parseq"])
def test_paper_size_pair_runs_on_rgb(kind):
    tiny = PARSeqConfig(embed_dim=24, encoder_depth=1, encoder_heads=2, decoder_heads=2)
    prior_config = tiny if kind == "parseq" else CRNNConfig(width=4, hidden=8)
    model = SuperResolver.from_config(ModelConfig(network=small(), prior=prior_config)).eval()
    with torch.no_grad():
        assert model(torch.rand(2, 3, 16, 64)).sr.shape == (2, 4, 32, 128)
        assert model.prior(torch.rand(2, 3, 16, 64)).shape == (2, model.prior.num_classes, 1, 26)


def test_rows_of_an_ablation_start_from_the_same_branch_at_a_seed():
    def start(**changes):
        torch.manual_seed(7)
        network = GlyphSR.from_config(GlyphSRConfig(num_srbs=2, width=8, **changes), num_classes=37)
        return {key: value for key, value in network.state_dict().items() if not key.startswith(("gpm.", "gfms."))}

    none = {"gfm_from": None, "gpm": GPMConfig(line=False, char=False, cls=False)}
    first = start(**none)
    for changes in ({"gfm_from": None}, {"gfm_from": 1}, {"gfm_from": 2, "gpm": GPMConfig(width=16, levels=3)}):
        other = start(**changes)
        assert first.keys() == other.keys()
        assert all(torch.equal(value, other[key]) for key, value in first.items())


def test_the_paper_read_literally_has_its_own_shapes():
    gpm = GPMConfig(width=8, levels=3, attention="plain", class_features="trunk", num_slots=15, end_slot=False)
    network = GlyphSR.from_config(GlyphSRConfig(width=8, gfm_from=None, gpm_at=4, gpm=gpm), num_classes=37)
    assert network.gpm.class_features is None
    assert network.gpm.class_head.in_features == 8
    read = []
    network.gpm.register_forward_hook(lambda module, inputs, output: read.append(inputs[0]))
    fourth = []
    network.srbs[3].register_forward_hook(lambda module, inputs, output: fourth.append(output))
    network.eval()
    with torch.no_grad():
        glyphs = network(torch.rand(1, 4, 16, 64), None, with_glyphs=True).glyphs
    assert torch.equal(read[0], fourth[0])
    assert (glyphs.chars.shape, glyphs.classes.shape) == ((1, 15, 16, 64), (1, 15, 39))
    with pytest.raises(ValueError, match="gpm_at"):
        GlyphSRConfig(gfm_from=3, gpm_at=4)
