"""Losses that one of Table 1's systems has of its own."""

import json

import pytest
import torch
import torch.nn.functional as F
from pydantic import ValidationError

from glyphsr.config.data import DataConfig, LmdbSource
from glyphsr.config.losses import LossConfig
from glyphsr.config.model import ModelConfig
from glyphsr.config.recognizers import CRNNConfig, PARSeqConfig, TelescopeConfig
from glyphsr.config.training import OptimiserConfig, TrainConfig, ValidationConfig
from glyphsr.errors import ConfigError, DataError
from glyphsr.losses.confusion import load_distances
from glyphsr.losses.ctc import ctc_loss
from glyphsr.losses.strokes import load_strokes
from glyphsr.models.c3stisr.settings import C3STISRConfig
from glyphsr.models.lemma.reader import CODEC
from glyphsr.models.lemma.settings import LEMMAConfig
from glyphsr.models.pean.enhancer import PriorEnhancer
from glyphsr.models.pean.settings import PEANConfig
from glyphsr.models.registry import identify
from glyphsr.models.rtsrn.settings import RTSRNConfig
from glyphsr.models.super_resolver import SuperResolver
from glyphsr.models.tg.settings import TGConfig
from glyphsr.text.charset import LOWER_ALPHANUMERIC
from glyphsr.text.ctc import CTCCodec
from glyphsr.training.build import build_trainer
from glyphsr.training.objectives import text_focus
from glyphsr.training.objectives.build import build_objective
from glyphsr.training.objectives.network_reading import NetworkReadingTerm, ended_targets
from glyphsr.training.objectives.terms import ForwardPass
from glyphsr.training.objectives.text_focus import TextFocus, open_text_focus
from glyphsr.training.starting_model import start_network
from glyphsr.types import Batch
from glyphsr.weights.checkpoints import save_checkpoint

from ..conftest import ROOT

SAMPLE = str(ROOT / "glyphsr" / "data" / "sample" / "train")
SMALL = {"num_srbs": 1, "width": 8, "image_channels": 3, "stn": False}
CLUED = {**SMALL, "prior_width": 4, "prior_hidden": (8, 8, 8), "language_width": 8}
STRIPS = {"width": 8, "image_channels": 3, "num_pairs": 1, "strip_heads": 2, "attention_heads": 2}
CRNN = CRNNConfig(width=4, hidden=8)
PARSEQ = PARSeqConfig(embed_dim=24, encoder_depth=1, encoder_heads=2, decoder_heads=2)
READING = LossConfig(text_focus=0.0, hog=0.0, network_reading=1.0)
TABLE = "A 341\nb 28\n1 2\n$ 0\n"


def config_for(network, loss=READING, prior=CRNN, **changes):
    return TrainConfig(
        model=ModelConfig(network=network, prior=prior),
        data=DataConfig(sources=(LmdbSource(path=SAMPLE),), held_out=0.05),
        loss=loss,
        steps=2,
        batch_size=2,
        validation=ValidationConfig(words=1, samples=0),
        seed=1,
        **{"optimiser": OptimiserConfig(warmup_steps=0)} | changes,
    )


def objective_for(config):
    torch.manual_seed(0)
    return build_objective(SuperResolver.from_config(config.model), config, print).train()


def batch_of(*labels):
    hr = torch.rand(len(labels), 3, 32, 128, generator=torch.Generator().manual_seed(0))
    return Batch(tuple(labels), hr[:, :, ::2, ::2], hr, tuple(labels))


def seen_with(readings, labels):
    batch = batch_of(*labels)
    return ForwardPass(batch, batch.hr, batch.hr, None, None, None, readings)


def test_ctc_judges_readings_without_end_and_several_add_up():
    codec = CTCCodec(LOWER_ALPHANUMERIC)
    logits = torch.randn(2, 26, 37, generator=torch.Generator().manual_seed(0))
    expected = ctc_loss(logits.transpose(0, 1), ["ab", "1"], codec)
    found = NetworkReadingTerm(2.0, codec)(seen_with((logits, logits), ["Ab", "1"]))["network_reading"]
    assert torch.allclose(found, 4 * expected)


def test_lemmas_reader_is_judged_on_all_steps_by_a_softmax_of_its_softmax():
    rows = ended_targets(["a0-Z", "1" * 30], CODEC, 26)
    assert rows[0].tolist() == [1, 36, 26] + [0] * 23  # a-z, 1-9, 0
    assert rows[1].tolist() == [27] * 25 + [0]
    logits = torch.randn(2, 26, 37, generator=torch.Generator().manual_seed(0))
    expected = F.nll_loss(logits.softmax(2).log_softmax(2).flatten(0, 1), rows.flatten())
    found = NetworkReadingTerm(1.0, CODEC)(seen_with((logits,), ["a0-Z", "1" * 30]))["network_reading"]
    assert torch.allclose(found, expected)


@pytest.mark.parametrize(
    ("network", "prior", "part"),
    [
        (C3STISRConfig(**CLUED, guidance="fused"), CRNN, "guidance.language_model"),
        (RTSRNConfig(**CLUED), CRNN, "guidance.language_model"),
        (LEMMAConfig(**SMALL, reader_width=4), CRNN, "reader.classify"),
        (PEANConfig(**STRIPS, auxiliary_reader=True), PARSEQ, "auxiliary_reader"),
    ],
    ids=["c3stisr", "rtsrn", "lemma", "pean"],
)
def test_what_a_network_reads_is_learned_and_without_the_loss_its_reader_rests(network, prior, part):
    objective = objective_for(config_for(network, prior=prior))
    objective(batch_of("Hotel", "1st"))["network_reading"].backward()
    reader = objective.model.network.get_submodule(part)
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in reader.parameters())
    assert any(p.grad.any() for p in reader.parameters())
    untaught = {id(p) for module in objective.model.network.untaught for p in module.parameters()}
    own = objective_for(config_for(network, LossConfig(text_focus=0.0, hog=0.0), prior)).model.network
    resting = {id(p) for module in own.untaught for p in module.parameters()}
    assert len(resting) == len(untaught)
    assert all(p.requires_grad == (id(p) not in resting) for p in own.parameters())


def test_a_dropped_prior_has_no_language_clue_and_its_reading_teaches_the_prior_nothing():
    torch.manual_seed(0)
    guidance = SuperResolver.from_config(ModelConfig(network=RTSRNConfig(**CLUED), prior=CRNN)).network.guidance.eval()
    prior = torch.rand(2, 37, 1, 26).softmax(dim=1) * torch.tensor([0.0, 1.0])[:, None, None, None]
    prior.requires_grad_(True)
    clue = guidance.language_clue(prior)
    assert not clue[0].any()
    assert torch.allclose(clue[1].sum(dim=0), torch.ones(1, 26))
    assert not clue.requires_grad or torch.autograd.grad(clue.sum(), prior, allow_unused=True)[0] is None


def test_networks_that_read_nothing_are_refused_the_loss():
    for network, prior in ((TGConfig(**SMALL), CRNN), (C3STISRConfig(**CLUED), CRNN), (RTSRNConfig(**CLUED), PARSEQ)):
        with pytest.raises(ValidationError, match=r"network_reading"):
            config_for(network, prior=prior)
    with pytest.raises(ValidationError, match=r"prior_enhancement"):
        config_for(PEANConfig(**STRIPS), LossConfig(prior_enhancement=1.0), PARSEQ)
    with pytest.raises(ValidationError, match=r"prior_from"):
        config_for(TGConfig(**SMALL), LossConfig(text_focus=0.0), prior_from="hr")


def test_a_pretrained_reader_takes_smaller_steps_and_adamw_decays_the_weights(tmp_path):
    halves = OptimiserConfig(warmup_steps=0, schedule="halved", pretrained_lr_scale=0.1, decoupled_decay=True)
    config = config_for(LEMMAConfig(**SMALL, reader_width=4), optimiser=halves)
    stepper = build_trainer(config, tmp_path, device="cpu", workers=0).stepper
    stepper.step(batch_of("Hotel", "1st"), 0)
    assert [group["lr"] for group in stepper.optimiser.param_groups] == pytest.approx([1e-3, 1e-4])
    reader = {f"model.network.reader.{name}" for name, _ in stepper.objective.model.network.reader.named_parameters()}
    assert set(stepper.trainable_names()[-len(reader) :]) == reader
    assert isinstance(getattr(stepper.optimiser, "optimizer", stepper.optimiser), torch.optim.AdamW)


def test_the_enhancer_recovers_priors_of_hr_and_priors_may_be_read_there():
    loss = LossConfig(text_focus=0.0, hog=0.0, prior_enhancement=1.0)
    network = PEANConfig(**STRIPS, enhancer_steps=1)
    objective, batch = objective_for(config_for(network, loss, PARSEQ, prior_from="hr")), batch_of("Hotel", "1st")
    objective(batch)["prior_enhancement"].backward()
    assert all(p.grad is not None for p in objective.model.network.enhancer.parameters())
    assert all(p.grad is None for p in objective.model.prior.parameters())
    read = objective._prior(objective.model.prior, batch)[0]
    assert torch.equal(read, objective.model.text_prior(batch.hr).guide)
    assert torch.equal(objective.eval()._prior(objective.model.prior, batch)[0], objective.model.prior(batch.lr))


def test_an_enhancer_that_knows_the_answer_has_nothing_left_to_learn(monkeypatch):
    enhancer, clean = PriorEnhancer(95), torch.rand(3, 26, 95)
    seen = {}
    monkeypatch.setattr(enhancer, "denoise", lambda *arguments: seen.update(enumerate(arguments)) or clean)
    torch.manual_seed(0)
    assert enhancer.recover(clean / 2, clean) is clean
    levels = seen[2]
    assert levels.shape == (3, 1)
    assert bool(((enhancer.levels.min() <= levels) & (levels <= 1)).all())
    noise = (seen[1] - levels[:, :, None] * clean) / (1 - levels.square()).sqrt()[:, :, None]
    assert float(noise.std()) == pytest.approx(1.0, abs=0.1)


def test_the_second_part_of_pean_goes_on_from_the_first(tmp_path):
    torch.manual_seed(0)
    before = ModelConfig(network=PEANConfig(**STRIPS), prior=PARSEQ)
    first = SuperResolver.from_config(before)
    path = tmp_path / "first.safetensors"
    save_checkpoint(path, first, kind="super_resolver", config=before, card={})
    network = PEANConfig(**STRIPS, enhancer_steps=1, auxiliary_reader=True)
    config = config_for(network, prior=PARSEQ, network_weights=str(path))
    model = SuperResolver.from_config(config.model)
    start_network(model, config)
    assert torch.allclose(model.network.head.weight, first.network.head.weight, atol=1e-3)
    assert model.network.enhancer is not None


def test_a_table_of_strokes_is_read_and_a_wrong_line_named(tmp_path):
    path = tmp_path / "strokes.txt"
    path.write_text(TABLE)
    assert load_strokes(path) == {"A": "341", "b": "28", "1": "2"}
    for content, message in (("A 3x\n", "line 1"), ("A\n", "line 1"), ("$ 0\n", "no character")):
        path.write_text(content)
        with pytest.raises(DataError, match=message):
            load_strokes(path)


def test_the_recognizer_of_strokes_is_told_strokes_of_either_case_and_needs_a_table(tmp_path, monkeypatch):
    assert identify(["embedding_word_with_upperword.lut.weight"]) == "telescope"
    with torch.device("meta"):
        from glyphsr.recognizers.telescope.network import Telescope

        recognizer = Telescope(TelescopeConfig(reads="strokes"))
    assert recognizer.num_classes == 10
    monkeypatch.setattr(text_focus, "_open", lambda *_, **__: recognizer)
    with pytest.raises(ConfigError, match=r"stroke_table"):
        open_text_focus(LossConfig(), print)
    path = tmp_path / "strokes.txt"
    path.write_text(TABLE)
    (focus,) = open_text_focus(LossConfig(stroke_table=str(path)), print)
    assert focus.target_text("Ab-a1") == "341282"
    assert focus.weights.eq(1).all()
    assert json.loads(recognizer.config.model_dump_json())["reads"] == "strokes"
    assert TextFocus(recognizer, load_distances()).strokes is None
