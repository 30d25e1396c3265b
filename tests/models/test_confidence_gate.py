"""The change over bicubic is held back where the prior is unsure of the word."""

import numpy as np
import pytest
import torch
from PIL import Image

from glyphsr.config.glyph_perception import GPMConfig
from glyphsr.config.model import ConfidenceGateConfig, ModelConfig
from glyphsr.config.recognizers import CRNNConfig, CTCTransformerConfig
from glyphsr.config.training import TrainConfig
from glyphsr.models.confidence_gate import gate
from glyphsr.models.glyphsr.settings import GlyphSRConfig
from glyphsr.models.super_resolver import SuperResolver
from glyphsr.models.text_prior import TextPrior
from glyphsr.models.tsrn.settings import TSRNConfig
from glyphsr.reading.word_readings import WordReading
from glyphsr.training.run_folder import RunFolder
from glyphsr.training.samples import draw_samples
from glyphsr.training.validation import Pair
from glyphsr.upscaling.line import Line
from glyphsr.upscaling.upscaler import Upscaler
from glyphsr.weights.checkpoints import save_checkpoint

CONFIG = ConfidenceGateConfig(low=0.4, high=0.8, floor=0.1)
READER = CTCTransformerConfig(channels=(8, 8, 8), blocks=(1, 1), dim=16, depth=1, heads=2)


def word(start: int, stop: int, confidence: float) -> WordReading:
    return WordReading("a", start, stop, confidence, "a")


def model(confidence_gate: ConfidenceGateConfig | None) -> SuperResolver:
    torch.manual_seed(0)
    network = GlyphSRConfig(
        num_srbs=1, width=8, prior_width=4, prior_hidden=(8, 8, 8), gfm_from=None, image_channels=3, output="residual",
        prior_layout="aligned", block="convolutional", min_height=12, max_height=48, window_aspect=8.0,
        gpm=GPMConfig(width=8, line=False, char=False, cls=False),
    )  # fmt: skip
    built = SuperResolver.from_config(
        ModelConfig(network=network, prior=READER, confidence_gate=confidence_gate)
    ).eval()
    torch.nn.init.constant_(built.network.head.bias, 0.5)
    return built


@pytest.mark.parametrize(("confidence", "gate_value"), [(0.0, 0.1), (0.4, 0.1), (0.6, 0.55), (0.8, 1.0), (1.0, 1.0)])
def test_confidence_becomes_a_gate(confidence, gate_value):
    found = gate([[word(0, 4, confidence)]], [False], CONFIG, steps=4, width=8)
    assert found.shape == (1, 1, 1, 8)
    assert torch.allclose(found, torch.full_like(found, gate_value))


def test_a_word_has_no_say_in_its_neighbours_and_nothing_read_keeps_the_floor():
    found = gate([[word(0, 10, 1.0), word(12, 20, 0.0)]], [False], CONFIG, steps=30, width=30)[0, 0, 0]
    assert found[:12].min() == 1.0  # the space between them is the surer one's
    assert torch.allclose(found[12:], torch.full((18,), 0.1))


def test_a_given_text_is_drawn_whatever_is_read():
    assert gate([[word(0, 4, 0.0)], []], [True, True], CONFIG, steps=4, width=8).min() == 1.0


def test_the_model_applies_it_in_evaluation_only():
    built = model(CONFIG)
    lr = torch.rand(2, 3, 16, 32)
    guide = torch.rand(2, 2 * 63, 1, 16)
    prior = TextPrior(guide, ((word(0, 16, 0.0),), (word(0, 16, 1.0),)), (False, False))
    with torch.no_grad():
        whole, held = built(lr, guide).sr, built(lr, prior)
    plain = torch.nn.functional.interpolate(lr, scale_factor=2, mode="bicubic", align_corners=False)
    assert torch.allclose(held.sr[0], (plain + 0.1 * (whole - plain))[0], atol=1e-5)
    assert torch.allclose(held.sr[1], whole[1], atol=1e-5)
    assert built.train()(lr, prior).gate is None


@pytest.mark.parametrize("size", [(16, 60), (20, 700), (96, 300)])
def test_lines_of_any_size_stay_bicubic_where_nothing_is_sure_and_can_be_drawn_all_the_same(size, tmp_path):
    built = model(ConfidenceGateConfig(low=0.9, high=0.99))
    path = tmp_path / "held.safetensors"
    save_checkpoint(path, built, kind="super_resolver", config=built.config, card={})
    picture = np.random.default_rng(0).random((*size, 3)).astype(np.float32) * 0.2
    asked = [Line(picture, (2 * size[0], 2 * size[1]))]
    held = Upscaler(path, device="cpu").upscale_lines(asked)[0]
    assert held.change < 1e-4
    assert not held.is_changed
    assert Upscaler(path, device="cpu", draw="all").upscale_lines(asked)[0].is_changed
    given = [Line(picture, asked[0].size, "word")]
    assert Upscaler(path, device="cpu").upscale_lines(given)[0].is_changed


def test_settings_that_cannot_work_are_refused():
    with pytest.raises(ValueError, match=r"more than low, 0\.8, got 0\.8"):
        ConfidenceGateConfig(low=0.8, high=0.8)
    for settings in ({}, {"network": TSRNConfig(), "prior": READER}, {"prior": CRNNConfig()}):
        with pytest.raises(ValueError, match="confidence_gate: expected null"):
            ModelConfig(confidence_gate=ConfidenceGateConfig(), **settings)
    with pytest.raises(ValueError, match="expected searched with a parseq prior"):
        ModelConfig(network=GlyphSRConfig(prior_layout="aligned"))


def test_the_field_of_older_checkpoints_is_ignored():
    assert ConfidenceGateConfig.model_validate({"low": 0.1, "high": 0.2, "reread": True}) == ConfidenceGateConfig(
        low=0.1, high=0.2
    )


def test_a_training_runs_samples_show_what_is_held_back(tmp_path):
    built = model(ConfidenceGateConfig(low=0.9, high=0.99))
    noise = np.random.default_rng(0).integers(0, 256, (16, 48, 3), np.uint8)
    pairs = [Pair(noise, np.zeros((32, 96, 3), np.uint8), "a")]

    def sheet(name: str) -> np.ndarray:
        folder = RunFolder(tmp_path / name)
        folder.open()
        draw_samples(built, pairs, TrainConfig(model=built.config), folder, 1)
        folder.close()
        return np.asarray(Image.open(tmp_path / name / "samples" / "step-000001.png"))

    held = sheet("held")
    built.config = built.config.model_copy(update={"confidence_gate": None})
    free = sheet("free")
    torch.nn.init.zeros_(built.network.head.weight)
    torch.nn.init.zeros_(built.network.head.bias)
    plain = sheet("plain")
    assert (held == plain).all()
    assert (free != plain).any()
