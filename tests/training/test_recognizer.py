"""Recognizers are trained on the same loop as networks: by CTC, or by cross-entropy in one direction or in both."""

import os
import signal

import pytest
import torch
import torch.nn.functional as F

from glyphsr.config.data import DataConfig, FolderSource
from glyphsr.config.losses import LossConfig
from glyphsr.config.recognizers import (
    ASTERConfig,
    CRNNConfig,
    CTCTransformerConfig,
    MORANConfig,
    PARSeqConfig,
    TelescopeConfig,
)
from glyphsr.config.training import OptimiserConfig, TrainConfig, ValidationConfig
from glyphsr.errors import ConfigError, WeightsError
from glyphsr.models.registry import build_recognizer
from glyphsr.ocr.readers import open_reader
from glyphsr.training.build import build_trainer
from glyphsr.training.objectives.build import build_objective
from glyphsr.training.signals import InterruptedTrainingError
from glyphsr.training.starting_model import build_model
from glyphsr.training.step import split_microbatches
from glyphsr.training.train import train
from glyphsr.types import Batch
from glyphsr.weights.loading import load_recognizer

from ..helpers.training import run, same

KINDS = {
    "crnn": CRNNConfig(width=4, hidden=8),
    "ctc_transformer": CTCTransformerConfig(channels=(4, 4, 8), blocks=(1, 1), dim=16, depth=1, heads=2),
    "moran": MORANConfig(width=2, hidden=8),
    "aster": ASTERConfig(width=2, hidden=16, max_steps=30),
}


def config_for(recognizer, words, **changes) -> TrainConfig:
    settings = {
        "data": DataConfig(sources=(FolderSource(path=str(words)),), held_out=0.3),
        "optimiser": OptimiserConfig(learning_rate=3e-3, betas=(0.9, 0.98), warmup_steps=2, clip_norm=5.0),
        "steps": 4,
        "batch_size": 4,
        "validation": ValidationConfig(every=2, words=3),
        "seed": 5,
    }
    return TrainConfig(task="recognizer", recognizer=recognizer, **settings | changes)


def batch_of(labels, seed=0, **changes) -> Batch:
    generator = torch.Generator().manual_seed(seed)
    hr = torch.rand(len(labels), 3, 32, 128, generator=generator)
    lr = torch.rand(len(labels), 3, 16, 64, generator=generator)
    return Batch(tuple(map(str, range(len(labels)))), lr, hr, tuple(labels), **changes)


def objective_for(kind, auxiliary_ctc=0.0, **data):
    torch.manual_seed(0)
    config = config_for(KINDS[kind], "words", data=DataConfig(**data), loss=LossConfig(auxiliary_ctc=auxiliary_ctc))
    objective = build_objective(build_recognizer(KINDS[kind]), config, print)
    return objective.eval()  # so that parts and wholes are normalised alike


@pytest.mark.parametrize("kind", KINDS)
def test_everything_learns_from_what_is_to_be_read(kind):
    objective = objective_for(kind)
    batch = batch_of(["Hotel", "b-1", "zz"])
    objective(batch)["reading"].backward()
    still = [
        name for name, parameter in objective.named_parameters() if parameter.requires_grad and parameter.grad is None
    ]
    assert not still
    blind = batch_of(["Hotel", "b-1", "a"])  # other words, the same pictures
    assert float(objective(blind)["reading"].detach()) != pytest.approx(float(objective(batch)["reading"].detach()))


def test_one_word_alone_can_be_learned_from():
    objective = objective_for("aster").train()
    loss = objective(batch_of(["abc"]))["reading"]
    loss.backward()
    assert torch.isfinite(loss.detach())


def test_a_shape_that_cannot_be_is_a_setting_to_correct(word_folder, tmp_path):
    with pytest.raises(ConfigError, match="recognizer: embed_dim: expected 512"):
        train(config_for(TelescopeConfig(embed_dim=256), word_folder), out=tmp_path, device="cpu", workers=0)


@pytest.mark.parametrize("kind", KINDS)
def test_parts_of_a_batch_weigh_what_they_count(kind):
    objective = objective_for(kind, blurred_fraction=0.5)
    batch = batch_of(["Hotel", "b-1", "zz", "abcdefghij"])
    batch = Batch(batch.ids, batch.lr, batch.hr, batch.labels, positions=(0, 1, 2, 3), global_size=4)
    whole, total = float(objective(batch)["reading"].detach()), objective.counts(batch)["reading"]
    if kind == "ctc_transformer" or kind == "crnn":
        assert total == 4
    else:
        assert total == (5 + 1) + (2 + 1 if kind != "aster" else 3 + 1) + (2 + 1) + (10 + 1)
    parts = list(split_microbatches(batch, 2))
    shares = [objective.counts(part)["reading"] / total for part in parts]
    assert sum(shares) == pytest.approx(1.0)
    found = sum(share * float(objective(part)["reading"].detach()) for share, part in zip(shares, parts, strict=True))
    assert found == pytest.approx(whole, rel=1e-4)


def test_words_that_are_longer_than_it_can_say_are_left_out():
    objective = objective_for("moran")
    short, long = batch_of(["abc", "de"]), batch_of(["abc", "de", "x" * 21])
    assert objective.counts(long) == objective.counts(short) == {"reading": 7}
    long = Batch(long.ids, torch.cat([short.lr, long.lr[2:]]), torch.cat([short.hr, long.hr[2:]]), long.labels)
    assert float(objective(long)["reading"].detach()) == pytest.approx(float(objective(short)["reading"].detach()))
    none = objective(batch_of(["x" * 21]))["reading"]
    none.backward()
    assert float(none.detach()) == 0.0


@pytest.mark.parametrize("kind", ["aster", "moran"])
def test_the_encoder_is_taught_by_ctc_beside_its_decoder(kind):
    objective, plain = objective_for(kind, auxiliary_ctc=0.5), objective_for(kind)
    batch = batch_of(["Hotel", "b-1", "x" * 31])
    terms = objective(batch)
    assert terms["reading"].item() == pytest.approx(plain(batch)["reading"].item())
    terms["auxiliary_ctc"].backward()
    assert objective.auxiliary_ctc.weight.grad.abs().max() > 0
    assert all(p.grad is None for name, p in objective.recognizer.named_parameters() if "decoder" in name)
    assert all(p.grad is not None for name, p in objective.recognizer.named_parameters() if "decoder" not in name)
    assert objective.counts(batch)["auxiliary_ctc"] == 2  # of the third no recognizer can say the text
    objective.auxiliary_weight = 1.0
    assert objective(batch)["auxiliary_ctc"].item() == pytest.approx(2 * terms["auxiliary_ctc"].item())
    nothing = objective(batch_of(["x" * 31]))
    assert {name: float(value.detach()) for name, value in nothing.items()} == {"reading": 0.0, "auxiliary_ctc": 0.0}


def test_only_who_attends_to_columns_is_helped(word_folder):
    with pytest.raises(ValueError, match=r"loss\.auxiliary_ctc: helps aster and moran"):
        config_for(KINDS["crnn"], word_folder, loss=LossConfig(auxiliary_ctc=1.0))


def test_an_aster_learns_each_text_to_its_end_as_if_told_all_steps():
    recognizer = objective_for("aster").recognizer
    prepared, texts = recognizer.prepare(torch.rand(4, 3, 32, 128)), ["ab", "", "abcdefgh", "xyz"]
    (output,) = recognizer.decoder_outputs(prepared, texts)
    taught = recognizer.forward_teacher_forced(prepared, texts)
    assert torch.equal(output.targets, taught.targets)
    known = output.targets >= 0
    assert torch.allclose(output.logits[known], taught.logits[known], atol=1e-5)
    gradients = [
        torch.autograd.grad(F.cross_entropy(logits[known], output.targets[known]), list(recognizer.parameters()))
        for logits in (output.logits, taught.logits)
    ]
    assert all(torch.allclose(one, other, atol=1e-5) for one, other in zip(*gradients, strict=True))


def test_moran_learns_both_directions():
    objective = objective_for("moran")
    recognizer = objective.recognizer
    prepared = recognizer.prepare(batch_of(["abc", "de"]).hr)
    forth, back = recognizer.decoder_outputs(prepared, ["abc", "de"])
    assert torch.equal(forth.targets, recognizer.forward_teacher_forced(prepared, ["abc", "de"]).targets)
    assert back.targets.tolist() == [[12, 11, 10, 36], [14, 13, 36, -1]]
    losses = [F.cross_entropy(t.logits.flatten(0, 1), t.targets.flatten(), ignore_index=-1) for t in (forth, back)]
    assert float(objective(batch_of(["abc", "de"]))["reading"].detach()) == pytest.approx(
        float(sum(losses).detach()) / 2, rel=1e-5
    )


def test_the_first_words_of_a_batch_are_shown_blurred():
    objective = objective_for("crnn", blurred_fraction=0.5)
    batch = batch_of(["a", "b", "c", "d"], positions=(3, 0, 1, 2), global_size=4)
    shown = objective._pictures(batch)
    plain = F.interpolate(batch.lr, size=(32, 128), mode="bicubic", align_corners=False).clamp(0, 1)
    assert torch.equal(shown[[0, 3]], batch.hr[[0, 3]])
    assert torch.equal(shown[[1, 2]], plain[[1, 2]])
    assert torch.equal(objective_for("crnn")._pictures(batch), batch.hr)


def test_a_run_leaves_a_judge_and_says_what_it_reads(word_folder, tmp_path):
    notes = []
    result = train(config_for(KINDS["aster"], word_folder), out=tmp_path, device="cpu", workers=0, notify=notes.append)
    assert "words to validate on" in notes[-1]
    assert set(result.score.parts) == {"HR", "LR enlarged"}
    assert result.score.figure == result.score.parts["HR"]  # it was shown nothing else
    assert result.score.describe().startswith("reads ")
    kept = load_recognizer(result.best)
    assert kept.config == KINDS["aster"]
    assert open_reader(f"aster={result.best}", torch.device("cpu")).info.name == "aster:best"
    more = config_for(KINDS["aster"], word_folder, recognizer_weights=str(result.last), steps=1)
    train(more, out=tmp_path / "more", device="cpu", workers=0)
    with pytest.raises(WeightsError, match="holds another recognizer than the configuration"):
        train(more.model_copy(update={"recognizer": KINDS["crnn"]}), out=tmp_path / "other", device="cpu", workers=0)


def test_an_aster_goes_on_with_fewer_characters(word_folder, tmp_path):
    first = train(config_for(KINDS["aster"], word_folder), out=tmp_path / "94", device="cpu", workers=0)
    fewer = KINDS["aster"].model_copy(update={"charset_size": 36})
    config = config_for(fewer, word_folder, recognizer_weights=str(first.best))
    before, now = (model.state_dict() for model in (load_recognizer(first.best), build_model(config, print)))
    rows = {key for key in now if not torch.equal(now[key], before[key])}
    assert rows == {"decoder.classifier.weight", "decoder.classifier.bias", "decoder.embedding.weight"}
    bias, old = now["decoder.classifier.bias"], before["decoder.classifier.bias"]
    assert torch.equal(bias[:10], old[:10])  # digits
    assert torch.equal(bias[10:36], torch.stack([old[10:36], old[36:62]]).mean(0))  # a from a and A
    assert torch.equal(bias[36:], old[94:])  # the end and the other specials
    result = train(config, out=tmp_path / "36", device="cpu", workers=0)
    assert load_recognizer(result.best).config == fewer
    more = config.model_copy(update={"recognizer": KINDS["aster"], "recognizer_weights": str(result.best)})
    with pytest.raises(WeightsError, match="holds another recognizer than the configuration"):
        build_model(more, print)


def test_a_recognizer_learns_to_read(word_folder, tmp_path):
    optimiser = OptimiserConfig(learning_rate=5e-3, betas=(0.9, 0.98), warmup_steps=10, clip_norm=5.0)
    data = DataConfig(sources=(FolderSource(path=str(word_folder)),), held_out=0.0, blurred_fraction=0.2)
    wide = CRNNConfig(width=8, hidden=32, standardise=True)
    config = config_for(wide, word_folder, data=data, optimiser=optimiser, steps=150, batch_size=8)
    config = config.model_copy(update={"validation": ValidationConfig(every=150)})
    losses = []
    train(config, out=tmp_path, device="cpu", workers=0, report=lambda report: losses.append(report.terms["reading"]))
    assert sum(losses[-10:]) < 0.3 * sum(losses[:10])


@pytest.mark.parametrize("kind", ["crnn", "moran"])
def test_a_stopped_and_resumed_run_equals_one_never_stopped(kind, word_folder, tmp_path):
    config = config_for(KINDS[kind], word_folder, loss=LossConfig(auxiliary_ctc=float(kind == "moran")))
    run(config, tmp_path / "whole")

    def stop_at_two(report):
        if report.step == 2:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(InterruptedTrainingError, match="at step 2"):
        run(config, tmp_path / "parts", report=stop_at_two)
    with pytest.raises(ConfigError, match=r"made with another recognizer\."):
        run(config_for(CRNNConfig(width=5, hidden=8), word_folder), tmp_path / "parts")
    run(config, tmp_path / "parts")
    whole, parts = (
        load_recognizer(tmp_path / name / "checkpoints" / "last.safetensors") for name in ("whole", "parts")
    )
    assert same(whole.state_dict(), parts.state_dict())


def test_channels_last_learns_the_same_and_goes_on_where_it_stopped(word_folder, tmp_path):
    plain = config_for(CRNNConfig(width=16, hidden=8), word_folder)
    config = plain.model_copy(update={"channels_last": True})
    losses = {False: [], True: []}
    run(plain, tmp_path / "plain", report=lambda report: losses[False].append(report.terms["reading"]))

    def stop_at_two(report):
        losses[True].append(report.terms["reading"])
        if report.step == 2:
            os.kill(os.getpid(), signal.SIGTERM)

    run(config, tmp_path / "whole")
    with pytest.raises(InterruptedTrainingError, match="at step 2"):
        run(config, tmp_path / "parts", report=stop_at_two)
    with pytest.raises(ConfigError, match=r"made with another channels_last: true -> false"):
        run(plain, tmp_path / "parts")
    rest = build_trainer(config, tmp_path / "parts", device="cpu", workers=0, report=stop_at_two)
    rest.run()
    assert losses[True] == pytest.approx(losses[False], rel=1e-3)
    kernels = [p for p in rest.model.parameters() if p.dim() == 4 and min(p.shape) > 1]
    assert kernels
    assert all(p.is_contiguous(memory_format=torch.channels_last) for p in kernels)
    whole, parts = (
        load_recognizer(tmp_path / name / "checkpoints" / "last.safetensors") for name in ("whole", "parts")
    )
    assert same(whole.state_dict(), parts.state_dict())


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"recognizer": PARSeqConfig()}, "expected another one than parseq"),
        ({"loss": LossConfig(reading=0.0)}, "loss.reading: expected a weight above 0"),
        ({"loss": LossConfig(ctc=1.0)}, "expected none when task is 'recognizer'"),
        (
            {"task": "sr", "data": DataConfig(blurred_fraction=0.2)},
            "data.blurred_fraction: expected 0 unless task is 'recog",
        ),
        ({"task": "sr", "loss": LossConfig(auxiliary_ctc=1.0)}, "loss.auxiliary_ctc: expected 0 unless task is 'recog"),
        ({"network_weights": "x"}, "network_weights: expected null when task is 'recognizer'"),
        ({"validation": ValidationConfig(protocol="paper")}, "expected standard when task is 'recognizer'"),
        ({"task": "sr", "recognizer_weights": "x"}, "recognizer_weights: expected null"),
    ],
)
def test_settings_that_cannot_work_are_refused(changes, said):
    with pytest.raises(ValueError, match=said):
        TrainConfig(**{"task": "recognizer", "recognizer": KINDS["crnn"]} | changes)
