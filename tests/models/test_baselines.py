import numpy as np
import pytest
import torch
from pydantic import ValidationError

from glyphsr.config.model import ModelConfig
from glyphsr.config.networks import NETWORKS
from glyphsr.config.recognizers import CRNNConfig
from glyphsr.errors import WeightsError
from glyphsr.images.tiling import plan_tiles
from glyphsr.models.c3stisr.settings import C3STISRConfig
from glyphsr.models.glyphsr.settings import GlyphSRConfig
from glyphsr.models.lemma.settings import LEMMAConfig
from glyphsr.models.pean.settings import PEANConfig
from glyphsr.models.registry import RECOGNIZERS, architecture, build_network, identify, published_kinds
from glyphsr.models.rtsrn.settings import RTSRNConfig
from glyphsr.models.super_resolver import SuperResolver
from glyphsr.models.tatt.settings import TATTConfig
from glyphsr.models.tbsrn.settings import TBSRNConfig
from glyphsr.models.tg.settings import TGConfig
from glyphsr.models.tpgsr.settings import TPGSRConfig
from glyphsr.models.tsan.settings import TSANConfig
from glyphsr.models.tsrn.settings import TSRNConfig
from glyphsr.nn.layers.stn import ControlPointLocalizer
from glyphsr.upscaling.upscaler import Upscaler
from glyphsr.weights.checkpoints import save_checkpoint
from glyphsr.weights.published import network_from_official

from ..conftest import draw_word

TINY = {"num_srbs": 1, "width": 8, "image_channels": 3}
SMALL = {**TINY, "stn": False}
GUIDED = {**SMALL, "prior_width": 4, "prior_hidden": (8, 8, 8)}
CONFIGS = {
    "tsrn": TSRNConfig(**SMALL),
    "tbsrn": TBSRNConfig(**SMALL, attention_heads=2),
    "tpgsr": TPGSRConfig(**GUIDED),
    "tatt": TATTConfig(**SMALL, attention_heads=2),
    "tg": TGConfig(**SMALL),
    "c3stisr": C3STISRConfig(**GUIDED, guidance="fused", language_width=8),
    "rtsrn": RTSRNConfig(**GUIDED, language_width=8),
    "tsan": TSANConfig(**SMALL),
    "lemma": LEMMAConfig(**SMALL, reader_width=4),
    "pean": PEANConfig(**TINY, num_pairs=1, strip_heads=2, attention_heads=2, enhancer_steps=1),
}
PRIOR = CRNNConfig(width=4, hidden=8)


def test_every_kind_has_a_signature_and_is_told_from_the_others():
    kinds = {*NETWORKS, *RECOGNIZERS}
    assert {*published_kinds(NETWORKS), *published_kinds(RECOGNIZERS)} == kinds - {"ctc_transformer"}  # never published
    for kind in kinds - {"ctc_transformer"}:
        found = architecture(kind)
        assert found.kind == kind
        assert identify([found.signature], image_channels=found.image_channels or 4) == kind
    assert identify(["x"]) is None
    assert identify(["block2.gru1.conv1.weight"]) == "tsrn"
    assert identify(["block2.gru1.conv1.weight"], image_channels=4) == "tsrn"
    assert identify(["block2.gru1.conv1.weight"], image_channels=3) == "tg"


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("layers.0.blocks.1.attn.sknet.proj_head.weight", "DPMN"),
        ("en_6_1.1.weight", "DPMN"),
        ("cond_stage_model.crnn_model.cnn.conv0.weight", "RGDiffSR"),
        ("quantize.embedding.weight", "VQGAN"),
    ],
)
def test_published_files_of_networks_that_are_not_built_are_named(key, name):
    with pytest.raises(WeightsError, match=rf"network's checkpoint: holds .*{name}.*, which is not"):
        network_from_official({key: torch.zeros(1)}, "x.pth")
    assert identify([key]) is None


@pytest.mark.parametrize("kind", CONFIGS)
def test_every_parameter_gets_a_finite_gradient_and_one_batch_can_be_learned(kind):
    torch.manual_seed(0)
    model = SuperResolver.from_config(ModelConfig(network=CONFIGS[kind], prior=PRIOR)).train()
    for part in model.network.untaught:
        part.requires_grad_(False)
    lr, hr = torch.rand(2, 3, 16, 64), torch.rand(2, 3, 32, 128)
    prior = None if model.prior is None else torch.rand(2, 37, 1, 26).softmax(dim=1)
    optimiser = torch.optim.Adam(model.network.parameters(), 3e-3)
    losses = []
    for _ in range(6):
        optimiser.zero_grad()
        loss = (model(lr, prior).sr - hr).square().mean()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    for name, parameter in model.network.named_parameters():
        if not parameter.requires_grad:
            continue
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("kind", ["tsrn", "tbsrn", "tpgsr", "c3stisr", "rtsrn", "tsan"])
def test_networks_of_any_size_double_it(kind):
    network = build_network(CONFIGS[kind], num_classes=37).eval()
    with torch.no_grad():
        out = network(torch.rand(1, 3, 12, 40), None)
    assert out.sr.shape == (1, 3, 24, 80)
    assert out.sr.abs().max() <= 1


@pytest.mark.parametrize("kind", ["tatt", "lemma", "pean"])
def test_networks_of_one_size_take_no_other(kind):
    network = build_network(CONFIGS[kind], num_classes=37).eval()
    with pytest.raises(ValueError, match="16 x 64"):
        network(torch.rand(1, 3, 16, 40), None)


def test_short_lines_are_padded_to_the_one_size_that_a_network_takes():
    assert plan_tiles(16, 20, CONFIGS["tatt"]).window == 64
    assert plan_tiles(16, 20, CONFIGS["tsrn"]).window == 24
    assert plan_tiles(32, 600, CONFIGS["tatt"]).window == 64


@pytest.mark.parametrize("kind", CONFIGS)
def test_lines_of_any_size_go_through_every_network(kind, tmp_path):
    torch.manual_seed(0)
    config = ModelConfig(network=CONFIGS[kind], prior=PRIOR)
    save_checkpoint(
        tmp_path / "m.safetensors", SuperResolver.from_config(config), kind="super_resolver", config=config, card={}
    )
    upscaler = Upscaler(tmp_path / "m.safetensors", device="cpu")
    for text, height in (("hi", 14), ("a long line of text", 40)):
        picture = draw_word(text, height)
        out = upscaler.upscale(picture).image
        assert out.shape == (2 * height, 2 * picture.shape[1], 3)
    assert (upscaler.loaded.model.prior is None) == (not CONFIGS[kind].needs_prior)


@pytest.mark.parametrize("kind", [kind for kind in CONFIGS if kind != "pean"])
def test_the_spatial_transformer_works_while_training_only(kind):
    torch.manual_seed(0)
    config = CONFIGS[kind].model_copy(update={"stn": True})
    network = build_network(config, num_classes=37)
    seen = []
    network.stn.register_forward_hook(lambda *_: seen.append(1))
    network.train()(torch.rand(2, 3, 16, 64))
    assert len(seen) == 1
    network.eval()(torch.rand(2, 3, 16, 64))
    assert len(seen) == 1


def test_a_localizer_knows_two_sizes():
    for size in ((16, 64), (32, 64)):
        assert ControlPointLocalizer(3, size=size).eval()(torch.rand(1, 3, *size)).shape == (1, 20, 2)
    with pytest.raises(ValueError, match=r"\(16, 64\) or \(32, 64\)"):
        ControlPointLocalizer(3, size=(16, 32))


def test_configurations_without_kind_are_glyphsr_and_others_say_theirs():
    assert isinstance(ModelConfig.model_validate_json('{"network": {"num_srbs": 6}}').network, GlyphSRConfig)
    model = ModelConfig.model_validate_json('{"network": {"kind": "tatt", "mix_batch": true}}')
    assert model.network == TATTConfig(mix_batch=True)
    assert ModelConfig.model_validate_json(model.model_dump_json()) == model
    with pytest.raises(ValidationError):
        ModelConfig.model_validate_json('{"network": {"kind": "srcnn"}}')


def test_a_place_attends_and_the_position_map_tells_columns_from_rows():
    from glyphsr.models.tbsrn.network import position_map

    code = position_map(4, 6, 8)
    assert code.shape == (8, 4, 6)
    assert np.array_equal(code[:4, 0], code[:4, 3])  # first half: the column alone
    assert np.array_equal(code[4:, :, 0], code[4:, :, 5])
    assert not np.array_equal(code[:4, 0, 0], code[:4, 0, 1])
