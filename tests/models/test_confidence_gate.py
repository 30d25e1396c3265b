"""The network is given a text where the prior is sure of it."""

import numpy as np
import pytest
import torch

from glyphsr.config.glyph_perception import GPMConfig
from glyphsr.config.model import ConfidenceGateConfig, ModelConfig
from glyphsr.config.recognizers import CRNNConfig, CTCTransformerConfig
from glyphsr.models.confidence_gate import gated_guide
from glyphsr.models.glyphsr.settings import GlyphSRConfig
from glyphsr.models.super_resolver import SuperResolver
from glyphsr.models.text_prior import TextPrior
from glyphsr.models.tsrn.settings import TSRNConfig
from glyphsr.reading.gate import gate_weights
from glyphsr.reading.word_readings import WordReading
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
        ModelConfig(network=network, prior=READER, confidence_gate=confidence_gate, condition_on_reading=True)
    ).eval()
    torch.nn.init.constant_(built.network.head.bias, 0.5)
    return built


@pytest.mark.parametrize(("confidence", "weight"), [(0.0, 0.1), (0.4, 0.1), (0.6, 0.55), (0.8, 1.0), (1.0, 1.0)])
def test_confidence_becomes_a_weight(confidence, weight):
    found = gate_weights([word(0, 4, confidence)], CONFIG, is_given=False, steps=4)
    assert found == pytest.approx([weight] * 4)


def test_a_word_has_no_say_in_its_neighbours_and_nothing_read_keeps_the_floor():
    found = gate_weights([word(0, 10, 1.0), word(12, 20, 0.0)], CONFIG, is_given=False, steps=30)
    assert found[:12].min() == 1.0  # the space between them is the surer one's
    assert found[12:] == pytest.approx([0.1] * 18)


def test_a_given_text_is_drawn_whatever_is_read():
    assert gate_weights([word(0, 4, 0.0)], CONFIG, is_given=True, steps=4).min() == 1.0


def test_the_model_is_guided_by_probabilities_where_it_is_unsure_in_evaluation_only():
    built = model(CONFIG)
    lr = torch.rand(2, 3, 16, 32)
    guide, probabilities = torch.rand(2, 2 * 63, 1, 16), torch.rand(2, 2 * 63, 1, 16)
    prior = TextPrior(guide, probabilities, ((word(0, 16, 0.0),), (word(0, 16, 1.0),)), (False, False))
    expected = torch.stack([0.1 * guide[0] + 0.9 * probabilities[0], guide[1]])
    assert torch.allclose(gated_guide(prior, CONFIG), expected, atol=1e-6)
    with torch.no_grad():
        assert torch.allclose(built(lr, prior).sr, built(lr, expected).sr, atol=1e-5)
        assert torch.equal(built.train().guide_of(prior), guide)


@pytest.mark.parametrize("size", [(16, 60), (20, 700), (96, 300)])
def test_lines_of_any_size_are_sharpened_without_a_text_unless_that_is_asked_for(size, tmp_path):
    built = model(ConfidenceGateConfig(low=0.9, high=0.99))
    path = tmp_path / "held.safetensors"
    save_checkpoint(path, built, kind="super_resolver", config=built.config, card={})
    picture = np.random.default_rng(0).random((*size, 3)).astype(np.float32) * 0.2
    asked, given = Line(picture, (2 * size[0], 2 * size[1])), Line(picture, (2 * size[0], 2 * size[1]), "word")

    seen, with_text = Upscaler(path, device="cpu").upscale_lines([asked, given])
    drawn = Upscaler(path, device="cpu", draw="all").upscale_lines([asked])[0]
    assert (seen.is_sure, with_text.is_sure, drawn.is_sure) == (False, True, True)
    assert seen.is_changed
    assert drawn.is_changed
    free = SuperResolver.from_config(built.config.model_copy(update={"condition_on_reading": False}))
    free.load_state_dict(built.state_dict())
    save_checkpoint(path, free, kind="super_resolver", config=free.config, card={})
    assert np.array_equal(Upscaler(path, device="cpu", draw="all").upscale_lines([asked])[0].rgb, seen.rgb)


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
