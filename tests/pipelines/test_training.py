import itertools
import json
import math
import os
import signal

import pytest
import torch

from glyphsr.config.recognizers import PARSeqConfig
from glyphsr.config.training import (
    DataConfig,
    FolderSource,
    LmdbSource,
    LossConfig,
    OptimiserConfig,
    TrainConfig,
    ValidationConfig,
)
from glyphsr.errors import ConfigError, GlyphSRError, WeightsError
from glyphsr.pipelines.models import load_recognizer, load_super_resolver
from glyphsr.pipelines.schedule import learning_rate_factor
from glyphsr.pipelines.stopping import InterruptedTrainingError
from glyphsr.pipelines.training import Trainer


@pytest.fixture
def config(tiny_config, word_folder, tiny_lmdb):
    sources = (FolderSource(path=str(word_folder)), LmdbSource(path=str(tiny_lmdb)))
    return TrainConfig(
        model=tiny_config,
        data=DataConfig(sources=sources, line_width=None, held_out=0.3),
        loss=LossConfig(text_focus=0.0),
        optimiser=OptimiserConfig(warmup_steps=2, ema_decay=0.9),
        steps=6,
        batch_size=2,
        validation=ValidationConfig(every=3, words=2, samples=2),
        seed=5,
    )


def run(config, folder, **options):
    return Trainer(config, folder, device="cpu", workers=0, **options).run()


def weights_of(folder):
    return load_super_resolver(folder / "checkpoints" / "last.safetensors")[0].state_dict()


def same(a, b):
    return all(torch.equal(a[key], b[key]) for key in a)


def test_a_run_leaves_what_the_contract_names(config, tmp_path):
    result = run(config, tmp_path)
    names = {p.name for p in tmp_path.iterdir()} - {"tensorboard"}  # which is there where it is installed
    assert names == {".lock", "checkpoints", "config.yaml", "metrics.jsonl", "samples"}
    assert sorted(p.name for p in (tmp_path / "samples").iterdir()) == ["step-000003.png", "step-000006.png"]
    assert result.best.is_file()
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [3, 6]
    assert math.isfinite(rows[1]["score"]["psnr_db"])
    assert rows[0]["pixel"] > 0
    _, checkpoint = load_super_resolver(result.last)
    assert checkpoint.card["steps"] == 6


def test_same_seed_same_weights_other_seed_others(config, tmp_path):
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        run(config.model_copy(update={"seed": seed}), tmp_path / name)
    assert same(weights_of(tmp_path / "a"), weights_of(tmp_path / "b"))
    assert not same(weights_of(tmp_path / "a"), weights_of(tmp_path / "c"))


@pytest.mark.parametrize("prior", ["frozen", "ctc", "parseq with dropout"])
def test_a_stopped_and_resumed_run_equals_one_never_stopped(config, tmp_path, prior):
    if prior == "ctc":
        config = config.model_copy(update={"loss": LossConfig(text_focus=0.0, ctc=0.1)})
    elif prior != "frozen":  # draws from the global generator at every step
        parseq = PARSeqConfig(embed_dim=24, encoder_depth=1, encoder_heads=2, decoder_heads=2, dropout=0.3)
        model = config.model.model_copy(update={"prior": parseq})
        config = config.model_copy(update={"model": model, "loss": LossConfig(text_focus=0.0, text_prior=0.1)})
    run(config, tmp_path / "whole")

    def stop_at_four(report):
        if report.step == 4:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(InterruptedTrainingError, match="at step 4") as caught:
        run(config, tmp_path / "parts", report=stop_at_four)
    assert caught.value.exit_code == 130
    run(config, tmp_path / "parts")
    assert same(weights_of(tmp_path / "whole"), weights_of(tmp_path / "parts"))


def test_training_lowers_the_loss(config, tmp_path):
    config = config.model_copy(
        update={
            "steps": 60,
            "validation": ValidationConfig(every=60, words=2),
            "optimiser": OptimiserConfig(learning_rate=5e-3, warmup_steps=1, clip_norm=5.0),
        }
    )
    losses = []
    run(config, tmp_path, report=lambda step: losses.append(step.terms["pixel"]))
    assert sum(losses[-15:]) < 0.8 * sum(losses[:15])


def test_a_frozen_prior_stays_as_it_is_and_a_trained_one_moves(config, tmp_path):
    before = {k: v.clone() for k, v in Trainer(config, tmp_path, workers=0).model.prior.state_dict().items()}
    run(config, tmp_path / "frozen")
    after = load_recognizer(tmp_path / "frozen" / "checkpoints" / "last.safetensors").state_dict()
    assert all(torch.equal(before[f"recognizer.{key}"], value) for key, value in after.items())
    learning = config.model_copy(update={"loss": LossConfig(text_focus=0.0, text_prior=1.0)})
    losses = []
    run(learning, tmp_path / "taught", report=lambda step: losses.append(step.terms["text_prior"]))
    moved = load_recognizer(tmp_path / "taught" / "checkpoints" / "last.safetensors").state_dict()
    assert not all(torch.equal(before[f"recognizer.{key}"], value) for key, value in moved.items())
    assert all(value > 0 for value in losses)


def test_the_prior_trains_alone_and_an_sr_run_starts_from_it(config, tmp_path):
    alone = config.model_copy(update={"task": "prior", "loss": LossConfig(ctc=1.0), "steps": 3})
    result = run(alone, tmp_path / "prior")
    assert result.score.psnr_db is None
    trained = load_recognizer(result.last)
    started = Trainer(config.model_copy(update={"prior_weights": str(result.last)}), tmp_path / "sr", workers=0)
    for key, value in started.model.prior.recognizer.state_dict().items():
        assert torch.equal(value, trained.state_dict()[key])
    wide = config.model.model_copy(update={"prior": config.model.prior.model_copy(update={"hidden": 12})})
    with pytest.raises(WeightsError, match="another prior"):
        Trainer(config.model_copy(update={"model": wide, "prior_weights": str(result.last)}), tmp_path / "x")


def test_non_finite_losses_are_skipped_and_many_in_a_row_end_the_run(config, tmp_path, monkeypatch):
    trainer = Trainer(config.model_copy(update={"steps": 40}), tmp_path, device="cpu", workers=0)
    before = {k: v.clone() for k, v in trainer.model.network.named_parameters()}
    trainer.model.network.stem.conv.bias.data.fill_(float("nan"))
    with pytest.raises(GlyphSRError, match="20 batches in a row with a non-finite loss"):
        trainer.run()
    after = dict(trainer.model.network.named_parameters())
    assert torch.equal(before["tail.0.weight"], after["tail.0.weight"])


def test_resume_never_protects_a_finished_run_and_other_models_are_refused(config, tmp_path):
    run(config, tmp_path)
    with pytest.raises(ConfigError, match="holds a run already"):
        Trainer(config, tmp_path, workers=0).run(resume="never")
    network = config.model.network.model_copy(update={"num_srbs": 1})
    other = config.model_copy(update={"model": config.model.model_copy(update={"network": network})})
    with pytest.raises(ConfigError, match=r"made with another model\.network\.num_srbs: 2 -> 1"):
        run(other, tmp_path)
    with pytest.raises(WeightsError, match="no such training state"):
        Trainer(config, tmp_path / "new", workers=0).run(resume=tmp_path / "none.state")
    (tmp_path / "checkpoints" / "last.state").write_bytes(b"broken")
    with pytest.raises(WeightsError, match="not a readable training state"):
        run(config, tmp_path)


def test_schedule_warms_up_per_step_and_ends_at_zero():
    factors = [learning_rate_factor(s, warmup_steps=1805, total_steps=72_200) for s in range(0, 72_201)]
    assert factors[0] == pytest.approx(1 / 1805)
    assert max(factors) == 1.0
    assert factors.index(1.0) == 1804
    assert factors[-1] == 0.0
    assert all(a >= b for a, b in itertools.pairwise(factors[1805:]))
