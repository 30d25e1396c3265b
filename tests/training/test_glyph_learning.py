"""Glyph maps are learned: better than no map at all, whatever else is minimised beside them."""

import pytest
import torch

from glyphsr.config.data import DataConfig, LmdbSource
from glyphsr.config.glyph_perception import GPMConfig
from glyphsr.config.losses import LossConfig
from glyphsr.config.model import ModelConfig
from glyphsr.config.recognizers import CRNNConfig
from glyphsr.config.training import OptimiserConfig, TrainConfig, ValidationConfig
from glyphsr.metrics.glyph_maps import map_sums
from glyphsr.models.glyphsr.settings import GlyphSRConfig
from glyphsr.training.build import build_trainer

from ..conftest import ROOT

SAMPLE = str(ROOT / "glyphsr" / "data" / "sample" / "train")


def network(**changes):
    gpm = GPMConfig(width=24, detach_classes=changes.pop("detach_classes", False))
    settings = {"num_srbs": 1, "width": 16, "prior_width": 16, "prior_hidden": (8, 8, 8), "gfm_from": 1, "gpm": gpm}
    return GlyphSRConfig(**settings | changes)


def trainer(tmp_path, net, loss, **optimiser):
    config = TrainConfig(
        model=ModelConfig(network=net, prior=CRNNConfig(width=4, hidden=8)),
        data=DataConfig(sources=(LmdbSource(path=SAMPLE),)),
        loss=loss,
        optimiser=OptimiserConfig(warmup_steps=5, **optimiser),
        batch_size=3,
        steps=200,
        validation=ValidationConfig(words=3, samples=0),
        seed=3,
    )
    return build_trainer(config, tmp_path, device="cpu", workers=0)


def gradient_of(term, tmp_path, net, loss=None):
    """Gradient that a loss term has at the head of the character maps."""
    run = trainer(tmp_path, net, loss or LossConfig(text_focus=0.0))
    objective = run.stepper.objective.train()
    terms = objective(run.batches[0][0])
    head = run.model.network.gpm.char_head.weight
    (found,) = torch.autograd.grad(terms[term], head, allow_unused=True)
    return 0.0 if found is None else float(found.norm())


@pytest.mark.parametrize(("term", "option"), [("pixel", "detach_fusion"), ("cls", "detach_classes")])
def test_a_detached_part_leaves_the_maps_alone(term, option, tmp_path):
    assert gradient_of(term, tmp_path / "a", network()) > 0
    assert gradient_of(term, tmp_path / "b", network(**{option: True})) == 0
    assert gradient_of("char", tmp_path / "c", network(**{option: True})) > 0


def test_the_warm_up_teaches_maps_first(tmp_path):
    run = trainer(tmp_path, network(), LossConfig(text_focus=0.0, glyph_warmup_steps=10))
    batch = run.batches[0][0]
    run.stepper.objective.steps_done = 0
    first = {name: value.item() for name, value in run.stepper.objective(batch).items()}
    assert first["pixel"] == first["cls"] == 0
    assert first["char"] > 0
    run.stepper.objective.steps_done = 10
    assert run.stepper.objective(batch)["pixel"].item() > 0


def test_maps_of_an_overfitted_batch_are_better_than_none(tmp_path):
    net = network(detach_fusion=True, detach_classes=True)
    run = trainer(tmp_path, net, LossConfig(text_focus=0.0, hog=0.0, char=16.0), learning_rate=3e-3, clip_norm=5.0)
    batch = run.batches[0][0]
    for step in range(150):  # on one processor 90 steps are enough, on another the maps are still on their way
        run.stepper.step(batch, step)
    with torch.no_grad():
        prior = run.model.text_prior(batch.lr)
        seen = run.model.network(run.model.network_input(batch.lr), prior.guide, with_glyphs=True).glyphs
    scores = map_sums(seen.chars, batch.glyphs.chars).scores("char")
    assert scores["char_mse"] < scores["char_zero_mse"]
    assert map_sums(seen.line, batch.glyphs.line).scores("line")["line_mse"] < 0.1
    score = run.validator.score(run.model)
    assert {"char_iou", "char_mse", "char_zero_mse", "line_iou"} <= set(score.as_dict())
