import itertools
import math

import pytest
import torch

from glyphsr.config.data import DataConfig, LmdbSource
from glyphsr.config.glyph_perception import GPMConfig
from glyphsr.config.losses import LossConfig
from glyphsr.config.model import ModelConfig
from glyphsr.config.recognizers import CRNNConfig, CTCTransformerConfig
from glyphsr.config.training import OptimiserConfig, TrainConfig, ValidationConfig
from glyphsr.models.glyphsr.settings import GlyphSRConfig
from glyphsr.models.super_resolver import SuperResolver
from glyphsr.models.tbsrn.settings import TBSRNConfig
from glyphsr.models.tpgsr.settings import TPGSRConfig
from glyphsr.models.tsrn.settings import TSRNConfig
from glyphsr.nn.layers.grayscale import brightness_mask
from glyphsr.text.slots import SlotCodec
from glyphsr.training.build import build_trainer
from glyphsr.training.objectives.build import build_objective
from glyphsr.training.objectives.super_resolution import SuperResolutionObjective
from glyphsr.training.step import split_microbatches

from ..conftest import ROOT

SAMPLE = str(ROOT / "glyphsr" / "data" / "sample" / "train")
PRIOR = CRNNConfig(width=4, hidden=8)
FOCUSED = LossConfig(focus_recognizer="crnn-light-synth")
PLAIN = LossConfig(text_focus=0.0, hog=0.0)


def network(**changes):
    settings = {"num_srbs": 3, "width": 16, "prior_width": 32, "prior_hidden": (16, 16, 16), "gfm_from": 2}
    return GlyphSRConfig(**settings | {"gpm": GPMConfig(width=16)} | changes)


def config_for(net, loss=PLAIN, **changes):
    return TrainConfig(
        model=ModelConfig(network=net, prior=PRIOR),
        data=DataConfig(sources=(LmdbSource(path=SAMPLE),)),
        loss=loss,
        optimiser=OptimiserConfig(warmup_steps=1),
        batch_size=6,
        steps=4,
        validation=ValidationConfig(words=1, samples=0),
        seed=1,
        **changes,
    )


def trainer_for(config, tmp_path):
    return build_trainer(config, tmp_path, device="cpu", workers=0)


@pytest.mark.parametrize(
    "config",
    [
        config_for(network(), FOCUSED),
        config_for(network(stn=True)),
        config_for(network(gfm_from=None)),
        config_for(network(gfm_from=None, gpm=GPMConfig(width=16, line=False, char=False))),
        config_for(network(gpm=GPMConfig(width=16, line=False))),
        config_for(network(gfm_from=None, gpm=GPMConfig(width=16, char=False, cls=False))),
        config_for(network(), LossConfig(text_focus=0.0, glyph=0.0)),
        config_for(network(), LossConfig(text_focus=0.0, text_prior=100.0), prior_drop=0.25),
        config_for(TSRNConfig(num_srbs=2, width=16), LossConfig(text_focus=0.0, hog=0.0, gradient=1e-4)),
        config_for(TBSRNConfig(num_srbs=2, width=16, dropout=0.0), FOCUSED),
        config_for(TPGSRConfig(num_srbs=2, width=16, prior_width=32, prior_hidden=(16, 16, 16)), PLAIN),
    ],
    ids=[
        "paper",
        "official",
        "no GFM",
        "classes alone",
        "no line",
        "line alone",
        "fusion untaught",
        "prior learns",
        "TSRN",
        "TBSRN",
        "TPGSR",
    ],
)
def test_what_should_learn_gets_a_gradient_and_what_is_frozen_none(config, tmp_path):
    trainer = trainer_for(config, tmp_path)
    learned = {}
    for batch in itertools.islice((b for chunk in range(2) for b in trainer.batches[chunk]), 4):
        outcome = trainer.stepper.step(batch, 0)
        assert outcome.skipped is None
        for name, parameter in trainer.stepper.objective.named_parameters():
            if not parameter.requires_grad:
                assert parameter.grad is None, name
                continue
            assert parameter.grad is not None, name
            assert torch.isfinite(parameter.grad).all(), name
            learned[name] = learned.get(name, False) or bool(parameter.grad.any())
    assert [name for name, any_ in learned.items() if not any_] == []
    trained = {name.split(".")[1] for name in learned}
    assert ("prior" in trained) == config.trains_prior
    assert not any(".stn." in name for name in learned if config.model.network.kind == "glyphsr")


def test_the_defaults_are_the_papers_terms_with_the_lineages_scale(tmp_path):
    config = config_for(network(), FOCUSED)
    trainer = trainer_for(config, tmp_path)
    objective = trainer.stepper.objective
    batch = trainer.batches[0][0]
    objective.eval()  # so that the terms can be made again
    with torch.no_grad():
        terms = objective(batch)
        network_, prior = trainer.model.network, trainer.model.prior(batch.lr)
        out = network_(trainer.model.network_input(batch.lr), prior, with_glyphs=True)
    assert list(terms) == ["pixel", "hog", "attention", "confusion", "line", "char", "cls"]
    hr = torch.cat([batch.hr, brightness_mask(batch.hr)], dim=1)
    assert float(terms["pixel"]) == pytest.approx(100 * float((out.sr - hr).square().mean()), rel=1e-5)
    line = (out.glyphs.line - batch.glyphs.line).square().mean()
    assert float(terms["line"]) == pytest.approx(float(line), rel=1e-5)
    codec = SlotCodec()
    picked = [
        out.glyphs.classes[i, k].log_softmax(0)[index]
        for i, label in enumerate(batch.labels)
        for k, index in enumerate(codec.encode(label))
        if index >= 0
    ]
    assert float(terms["cls"]) == pytest.approx(-float(torch.stack(picked).mean()), rel=1e-5)
    counts = objective.counts(batch)
    assert list(terms) == sorted(counts, key=list(terms).index)
    assert counts["cls"] == counts["confusion"] + len(batch.ids)  # CTC has no step for the end of a word
    assert {counts[name] for name in ("pixel", "hog", "attention", "line", "char")} == {len(batch.ids)}


def test_each_weight_scales_its_term_and_no_other(tmp_path):
    weights = {"pixel": 2.0, "hog": 0.3, "attention": 5.0, "confusion": 0.01, "line": 3.0, "char": 4.0, "cls": 0.5}
    base = LossConfig(focus_recognizer="crnn-light-synth")
    changed = LossConfig(focus_recognizer="crnn-light-synth", scale=10.0, glyph=2.0, **weights)
    values = []
    for loss in (base, changed):
        trainer = trainer_for(config_for(network(), loss), tmp_path)
        trainer.stepper.objective.eval()
        with torch.no_grad():
            terms = trainer.stepper.objective(trainer.batches[0][0])
        values.append({name: float(term) for name, term in terms.items()})
    for name, weight in weights.items():
        outer = 2.0 if name in ("line", "char", "cls") else 10.0 / 100.0
        expected = values[0][name] * outer * weight / getattr(base, name)
        assert values[1][name] == pytest.approx(expected, rel=1e-4), name


def test_a_quarter_of_the_priors_is_dropped_while_training_only(tmp_path):
    config = config_for(network(), prior_drop=0.34)  # two of six
    trainer = trainer_for(config, tmp_path)
    objective, batch = trainer.stepper.objective, trainer.batches[0][0]
    seen = []
    trainer.model.network.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[1].detach()))
    for training in (True, False):
        objective.train(training)
        objective(batch)
    assert [not row.any() for row in seen[0]] == [True, True, False, False, False, False]
    assert all(row.any() for row in seen[1])
    objective.train()
    for part in split_microbatches(batch, 6):  # alone, each word keeps its place in the batch
        prior = objective._with_drops(objective._prior(trainer.model.prior, part)[0], part)
        objective(part) if len(part.ids) > 1 else seen.append(prior)
    assert [not prior.any() for prior in seen[2:]] == [True, True, False, False, False, False]


def test_words_without_masks_teach_classes_alone(tmp_path):
    trainer = trainer_for(config_for(network()), tmp_path)
    objective, batch = trainer.stepper.objective, trainer.batches[0][0]
    objective.eval()
    with torch.no_grad():
        every = objective(batch)
        batch.glyphs.masked[:] = False
        none = objective(batch)
    assert (objective.counts(batch)["line"], float(none["line"])) == (0, 0.0)
    assert torch.equal(none["cls"], every["cls"])


def test_one_batch_can_be_learned_by_heart(tmp_path):
    net = network(num_srbs=2, width=24, gpm=GPMConfig(width=48), image_channels=3)
    config = config_for(net).model_copy(
        update={
            "optimiser": OptimiserConfig(learning_rate=4e-3, warmup_steps=5, clip_norm=1.0, betas=(0.9, 0.999)),
            "batch_size": 2,
            "steps": 300,
            "seed": 23,  # which draws two short words
        }
    )
    trainer = trainer_for(config, tmp_path)
    batch = trainer.batches[0][0]
    outcomes = [trainer.stepper.step(batch, step) for step in range(config.steps)]
    first, last = (outcomes[i].terms["pixel"] for i in (0, -1))
    assert last < first / 20
    trainer.model.train()  # its statistics are of this very batch
    with torch.no_grad():
        prior = trainer.model.prior(batch.lr)
        seen = trainer.model.network(batch.lr, prior, with_glyphs=True).glyphs
    read = [SlotCodec().decode(row.tolist()) for row in seen.classes.argmax(dim=2)]
    assert read == [label.lower() for label in batch.labels]
    assert outcomes[-1].terms["line"] < outcomes[0].terms["line"] / 2


@pytest.fixture
def still_norms(monkeypatch):
    """Batch normalisation by its running statistics, so that parts of a batch do not differ from the whole."""

    def train(self, mode=True):
        return torch.nn.Module.train(self, False)

    monkeypatch.setattr(SuperResolutionObjective, "train", train)


def test_several_recognizers_share_the_text_focus(tmp_path):
    def terms_of(**settings):
        trainer = trainer_for(config_for(network(), LossConfig(hog=0.0, **settings)), tmp_path)
        objective, batch = trainer.stepper.objective.eval(), trainer.batches[0][0]
        with torch.no_grad():
            terms = {name: float(value) for name, value in objective(batch).items()}
        assert set(objective.counts(batch)) == set(terms)
        return terms

    one = terms_of(focus_recognizer="crnn-light-synth")
    twice = terms_of(focus_recognizer=("crnn-light-synth", "crnn-light-synth"))
    for term in ("attention", "confusion"):
        assert twice[term] == twice[f"{term}_2"] == pytest.approx(one[term] / 2, rel=1e-5)
    unattended = terms_of(focus_recognizer="crnn-light-synth", attention=0.0)
    assert unattended["confusion"] == pytest.approx(one["confusion"], rel=1e-5)
    assert set(one) - set(unattended) == {"attention"}


@pytest.mark.parametrize("parts", [2, 4, 40])
def test_parts_of_a_batch_have_the_terms_and_gradients_of_the_whole(tmp_path, still_norms, parts):
    loss = LossConfig(focus_recognizer="crnn-light-synth")
    found = []
    for accumulation in (1, parts):
        config = config_for(network(), loss)
        optimiser = OptimiserConfig(warmup_steps=1, clip_norm=1e9, learning_rate=1e-30, accumulation=accumulation)
        trainer = trainer_for(config.model_copy(update={"optimiser": optimiser}), tmp_path)
        batch = trainer.batches[0][1]
        batch.glyphs.masked[:4] = False  # words with masks are in the last parts only
        outcome = trainer.stepper.step(batch, 0)
        gradients = {n: p.grad.clone() for n, p in trainer.model.named_parameters() if p.grad is not None}
        found.append((outcome.terms, outcome.grad_norm, gradients))
    (terms, norm, gradients), (other_terms, other_norm, others) = found
    assert other_terms == pytest.approx(terms, rel=1e-4)
    assert other_norm == pytest.approx(norm, rel=1e-3)
    difference = sum(float((gradients[name] - others[name]).square().sum()) for name in gradients) ** 0.5
    assert difference < 1e-3 * norm


def test_a_frozen_prior_is_run_as_it_will_be_used(tmp_path):
    config = config_for(network())
    model = SuperResolver.from_config(config.model)
    objective = build_objective(model, config, lambda _: None).train()
    assert isinstance(objective, SuperResolutionObjective)
    assert model.network.training
    assert not model.prior.training
    assert not any(module.training for module in model.prior.modules())


COLUMNS = LossConfig(pixel=0.0, text_focus=0.0, hog=0.0, ctc=1.0, columns=0.5)


def prior_config(loss=COLUMNS):
    model = ModelConfig(
        network=network(prior_layout="aligned"),
        prior=CTCTransformerConfig(channels=(8, 8, 16), blocks=(1, 1), dim=16, depth=1, heads=2),
    )
    base = config_for(network())
    return base.model_copy(update={"model": model, "loss": loss, "task": "prior"})


def test_a_prior_alone_learns_what_and_where(tmp_path):
    trainer = trainer_for(prior_config(), tmp_path)
    batch = trainer.batches[0][0]
    outcome = trainer.stepper.step(batch, 0)
    assert set(outcome.terms) == {"ctc", "columns"}
    assert outcome.terms["columns"] == pytest.approx(0.5 * math.log(63), rel=0.5)  # nothing is known yet
    for name, parameter in trainer.model.prior.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
    assert not any(parameter.requires_grad for parameter in trainer.model.network.parameters())


def test_a_prior_without_columns_leaves_their_head_out(tmp_path):
    trainer = trainer_for(prior_config(COLUMNS.model_copy(update={"columns": 0.0})), tmp_path)
    outcome = trainer.stepper.step(trainer.batches[0][0], 0)
    assert set(outcome.terms) == {"ctc"}
    idle = [name for name, p in trainer.model.prior.named_parameters() if not p.requires_grad]
    assert idle == ["recognizer.columns.weight", "recognizer.columns.bias"]


def test_parts_of_a_batch_give_the_columns_of_the_whole(tmp_path):
    objective = trainer_for(prior_config(), tmp_path).stepper.objective.eval()
    batch = trainer_for(prior_config(), tmp_path / "b").batches[0][0]
    glyphs = batch.glyphs
    glyphs.masked[1] = False
    parts = list(split_microbatches(batch, 3))
    counts = [objective.counts(part)["columns"] for part in parts]
    with torch.no_grad():
        total = sum(float(objective(part)["columns"]) * count for part, count in zip(parts, counts, strict=True))
        whole = float(objective(batch)["columns"])
    assert total / sum(counts) == pytest.approx(whole, rel=1e-5)
    assert sum(counts) == len(batch.ids) - 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"task": "sr"}, "loss.columns"),
        ({"model": ModelConfig(network=GlyphSRConfig(), prior=PRIOR)}, "loss.columns"),
        ({"data": DataConfig(glyph_source="kmeans")}, "k-means gives no character masks"),
    ],
)
def test_columns_are_refused_where_they_cannot_be_taught(changes, message):
    settings = prior_config().model_dump() | {
        key: value if isinstance(value, str) else value.model_dump() for key, value in changes.items()
    }
    with pytest.raises(ValueError, match=message):
        TrainConfig.model_validate(settings)
