import copy
import itertools
import json
import math

import pytest
import torch
from accelerate.optimizer import AcceleratedOptimizer

from glyphsr.config.losses import LossConfig
from glyphsr.config.training import OptimiserConfig, ValidationConfig
from glyphsr.errors import GlyphSRError, WeightsError
from glyphsr.training.build import build_trainer
from glyphsr.training.lr_schedule import learning_rate_factor
from glyphsr.training.step import split_microbatches
from glyphsr.weights.loading import load_recognizer, load_super_resolver

from ..helpers.training import run, same, weights_of


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
    before = {k: v.clone() for k, v in build_trainer(config, tmp_path, workers=0).model.prior.state_dict().items()}
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
    started = build_trainer(config.model_copy(update={"prior_weights": str(result.last)}), tmp_path / "sr", workers=0)
    for key, value in started.model.prior.recognizer.state_dict().items():
        assert torch.equal(value, trained.state_dict()[key])
    wide = config.model.model_copy(update={"prior": config.model.prior.model_copy(update={"hidden": 12})})
    with pytest.raises(WeightsError, match="another prior"):
        build_trainer(config.model_copy(update={"model": wide, "prior_weights": str(result.last)}), tmp_path / "x")


def test_a_batch_that_is_not_finite_is_skipped_without_a_trace_and_its_words_are_listed(config, tmp_path):
    """The poisoned batch is the third; weights, statistics and optimiser are as if it had not come."""
    trainer = build_trainer(config, tmp_path / "run", device="cpu", workers=0)
    batches = trainer.batches[0]
    trainer.stepper.step(batches[0], 0)
    before = copy.deepcopy(trainer.model.state_dict()), copy.deepcopy(trainer.stepper.state())
    batches[1].hr[0, 0, 0, 0] = float("nan")
    by_loss = trainer.stepper.step(batches[1], 1)
    batches[2].lr[0, 0, 0, 0] = float("inf")
    by_input = trainer.stepper.step(batches[2], 2)
    assert by_loss.skipped == by_input.skipped == "loss"
    assert same(before[0], trainer.model.state_dict())
    for ours, theirs in zip(
        before[1]["optimiser"]["state"].values(), trainer.stepper.state()["optimiser"]["state"].values(), strict=True
    ):
        assert all(torch.equal(ours[key], theirs[key]) for key in ours)
    assert trainer.stepper.step(batches[3], 3).skipped is None


def test_a_gradient_that_is_not_finite_is_skipped_too(config, tmp_path):
    trainer = build_trainer(config, tmp_path, device="cpu", workers=0)
    before = copy.deepcopy(trainer.model.state_dict())
    trainer.model.network.head.weight.register_hook(lambda gradient: gradient * float("inf"))
    outcome = trainer.stepper.step(trainer.batches[0][0], 0)
    assert outcome.skipped == "gradient"
    assert math.isfinite(outcome.total)
    assert same(before, trainer.model.state_dict())


def test_many_bad_batches_in_a_row_end_the_run_and_checkpoints_stay(config, tmp_path):
    config = config.model_copy(update={"steps": 40, "max_bad_steps": 5})
    trainer = build_trainer(config, tmp_path, device="cpu", workers=0)

    def break_it(report):
        if report.step == 4:
            trainer.model.network.stem.conv.bias.data.fill_(float("nan"))

    trainer._report = break_it
    with pytest.raises(GlyphSRError, match="5 batches in a row with a non-finite loss, the last at step 9") as caught:
        trainer.run()
    assert caught.value.exit_code == 1
    rows = [json.loads(line) for line in (tmp_path / "skipped.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [5, 6, 7, 8, 9]
    assert all(len(row["ids"]) >= 1 and row["not_finite"] == "loss" for row in rows)
    kept = load_super_resolver(tmp_path / "checkpoints" / "best.safetensors")[0]
    assert all(torch.isfinite(value).all() for value in kept.state_dict().values())


def test_half_precision_skips_an_overflow_without_a_trace_and_lowers_its_scale(config, tmp_path):
    """With the CPU's scaler, which works as CUDA's does."""
    trainer = build_trainer(config, tmp_path, device="cpu", workers=0)
    scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
    trainer.processes._accelerator.scaler = scaler
    trainer.stepper.optimiser = AcceleratedOptimizer(trainer.stepper.optimiser.optimizer, scaler=scaler)
    before = copy.deepcopy(trainer.model.state_dict())
    handle = trainer.model.network.head.weight.register_hook(lambda gradient: gradient * float("inf"))
    outcome = trainer.stepper.step(trainer.batches[0][0], 0)
    assert outcome.skipped == "gradient"
    assert scaler.get_scale() == 2.0
    assert same(before, trainer.model.state_dict())
    handle.remove()
    assert trainer.stepper.step(trainer.batches[0][1], 1).skipped is None
    assert not same(before, trainer.model.state_dict())


def test_out_of_memory_is_one_line_with_a_way_out(config, tmp_path):
    trainer = build_trainer(config, tmp_path, device="cpu", workers=0)

    def too_much(_module, _inputs):
        raise torch.OutOfMemoryError("no more")  # the device stands in for one that is too small

    trainer.model.network.register_forward_pre_hook(too_much)
    with pytest.raises(
        GlyphSRError, match=r"step 1: out of memory with \d+ words of 16 x \d+; raise optimiser.accumul"
    ):
        trainer.run()


def test_the_schedule_can_be_constant(config, tmp_path):
    optimiser = OptimiserConfig(learning_rate=2e-3, warmup_steps=2, schedule="constant")
    run(config.model_copy(update={"optimiser": optimiser}), tmp_path)
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [row["learning_rate"] for row in rows] == [2e-3, 2e-3]


def test_a_batch_in_parts_keeps_its_words(config, tmp_path):
    trainer = build_trainer(config.model_copy(update={"batch_size": 5}), tmp_path, device="cpu", workers=0)
    batch = trainer.batches[0][0]
    for count in range(1, len(batch.ids) + 1):
        parts = list(split_microbatches(batch, count))
        assert len(parts) == count
        assert all(part.ids for part in parts)
        assert torch.equal(torch.cat([part.lr for part in parts]), batch.lr)
        assert sum((part.positions for part in parts), ()) == batch.positions == tuple(range(batch.global_size))


def test_schedule_warms_up_per_step_and_ends_at_zero():
    factors = [learning_rate_factor(s, warmup_steps=1805, total_steps=72_200) for s in range(0, 72_201)]
    assert factors[0] == pytest.approx(1 / 1805)
    assert max(factors) == 1.0
    assert factors.index(1.0) == 1804
    assert factors[-1] == 0.0
    assert all(a >= b for a, b in itertools.pairwise(factors[1805:]))
