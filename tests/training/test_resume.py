import json
import math
import os
import resource
import shutil
import signal
import subprocess
import sys
import time

import pytest
import yaml

from glyphsr.config.data import DataConfig, RenderedSource
from glyphsr.config.losses import LossConfig
from glyphsr.config.recognizers import PARSeqConfig
from glyphsr.config.rendering import RenderConfig
from glyphsr.config.training import OptimiserConfig, TrainConfig
from glyphsr.errors import ConfigError, WeightsError
from glyphsr.training.build import build_trainer
from glyphsr.training.run_folder import RunFolder
from glyphsr.training.signals import InterruptedTrainingError

from ..helpers.fonts import font_without, whole_font
from ..helpers.training import run, same, weights_of


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


def test_resume_never_protects_a_finished_run_and_other_models_are_refused(config, tmp_path):
    run(config, tmp_path)
    with pytest.raises(ConfigError, match="holds a run already"):
        build_trainer(config, tmp_path, workers=0).run(resume="never")
    network = config.model.network.model_copy(update={"num_srbs": 1})
    other = config.model_copy(update={"model": config.model.model_copy(update={"network": network})})
    with pytest.raises(ConfigError, match=r"made with another model\.network\.num_srbs: 2 -> 1"):
        run(other, tmp_path)
    with pytest.raises(WeightsError, match="no such training state"):
        build_trainer(config, tmp_path / "new", workers=0).run(resume=tmp_path / "none.state")
    (tmp_path / "checkpoints" / "last.state").write_bytes(b"broken")
    with pytest.raises(WeightsError, match="not a readable training state"):
        run(config, tmp_path)


def test_another_model_is_refused_and_other_settings_are_said(config, tmp_path):
    run(config, tmp_path)
    notes = []
    longer = config.model_copy(update={"steps": 8, "optimiser": OptimiserConfig(learning_rate=2e-3, ema_decay=0.9)})
    result = build_trainer(longer, tmp_path, device="cpu", workers=0, notify=notes.append).run()
    assert result.progress.step == 8
    said = "\n".join(notes)
    assert "continuing with a changed setting: steps: 6 -> 8" in said
    assert "optimiser.learning_rate: 0.001 -> 0.002" in said
    with pytest.raises(ConfigError, match="beyond the 4 asked for"):
        run(config.model_copy(update={"steps": 4}), tmp_path)


def with_folder(config, **changes):
    first, *others = config.data.sources
    sources = (first.model_copy(update=changes), *others)
    return config.model_copy(update={"data": config.data.model_copy(update={"sources": sources})})


def test_words_that_were_learned_are_never_held_out_later(config, tmp_path):
    run(config, tmp_path)
    longer = config.model_copy(update={"steps": 7})
    with pytest.raises(ConfigError, match=r"another group of .*folder\d*: null -> \"\^\.\"; give another --out"):
        run(with_folder(longer, group="^."), tmp_path)
    with pytest.raises(ConfigError, match=r"another data\.held_out: 0\.3 -> 0\.4"):
        run(longer.model_copy(update={"data": config.data.model_copy(update={"held_out": 0.4})}), tmp_path)


def test_what_validation_never_sees_leaves_the_best_weights_as_they_are(config, tmp_path):
    run(config, tmp_path)
    longer = config.model_copy(update={"steps": 7})
    notes: list[str] = []
    build_trainer(with_folder(longer, color_jitter=0.5), tmp_path, device="cpu", workers=0, notify=notes.append).run()
    assert any(note.endswith("data.sources.0.color_jitter: 0.0 -> 0.5") for note in notes)
    assert not any("selected again" in note for note in notes)
    longest = with_folder(config.model_copy(update={"steps": 8}), weight=2.0)
    build_trainer(longest, tmp_path, device="cpu", workers=0, notify=notes.append).run()
    assert any("selected again" in note for note in notes)


def test_a_network_starts_from_anothers_weights(config, tmp_path):
    run(config, tmp_path / "first")
    file = tmp_path / "first" / "checkpoints" / "last.safetensors"
    from_it = config.model_copy(update={"network_weights": str(file), "seed": 9})
    started = build_trainer(from_it, tmp_path / "second", device="cpu", workers=0)
    kept = weights_of(tmp_path / "first")
    for name, value in started.model.network.state_dict().items():
        assert value.equal(kept[f"network.{name}"]), name
    started.run()
    with pytest.raises(ConfigError, match="made with another network_weights"):
        run(config.model_copy(update={"steps": 7, "seed": 9}), tmp_path / "second")
    network = config.model.network.model_copy(update={"num_srbs": 1})
    smaller = from_it.model_copy(update={"model": config.model.model_copy(update={"network": network})})
    with pytest.raises(WeightsError, match=r"last\.safetensors"):
        build_trainer(smaller, tmp_path / "third", device="cpu", workers=0)
    with pytest.raises(ValueError, match="network_weights: expected null when task is 'prior'"):
        TrainConfig(model=config.model, task="prior", network_weights="x", loss=LossConfig(ctc=1.0))


def test_rendered_words_of_other_fonts_are_said(config, tmp_path):
    fonts = tmp_path / "fonts"
    fonts.mkdir()
    whole_font(fonts / "a.ttf")
    sources = (RenderedSource(render=RenderConfig(fonts=(str(fonts),))),)
    rendered = config.model_copy(update={"steps": 2, "data": DataConfig(sources=sources)})
    notes = [], []
    build_trainer(rendered, tmp_path / "run", device="cpu", workers=0).run()
    longer = rendered.model_copy(update={"steps": 3})
    build_trainer(longer, tmp_path / "run", device="cpu", workers=0, notify=notes[0].append).run()
    font_without(fonts / "b.ttf", "$")
    longer = rendered.model_copy(update={"steps": 4})
    build_trainer(longer, tmp_path / "run", device="cpu", workers=0, notify=notes[1].append).run()
    assert ["rendered words differ" in "".join(said) for said in notes] == [False, True]


def test_a_run_goes_on_from_another_runs_state(config, tmp_path):
    run(config.model_copy(update={"steps": 3}), tmp_path / "first")
    state = tmp_path / "first" / "checkpoints" / "last.state"
    longer = config.model_copy(update={"steps": 5})

    def go(resume, **options):
        return build_trainer(longer, tmp_path / "second", device="cpu", workers=0, **options).run(resume=resume)

    def stop_at_four(report):
        if report.step == 4:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(InterruptedTrainingError, match="at step 4"):
        go(state, report=stop_at_four)
    steps = []
    result = go(state, report=lambda report: steps.append(report.step))  # the same command continues, not again
    assert steps == [5]
    assert result.best.is_file()
    assert result.progress.best_step == 5  # the other run's best weights are not here
    shutil.rmtree(tmp_path / "first" / "checkpoints")
    assert go(tmp_path / "first").progress.step == 5  # its own state is what counts by now
    run(config.model_copy(update={"steps": 3}), tmp_path / "first")
    same_again = build_trainer(config.model_copy(update={"steps": 3}), tmp_path / "third", device="cpu", workers=0)
    finished = same_again.run(resume=tmp_path / "first")  # a run folder stands for its state
    assert finished.last.is_file()
    assert finished.best.is_file()
    run_from = build_trainer(longer, tmp_path / "second", device="cpu", workers=0)
    with pytest.raises(ConfigError, match="holds a run already, of another state"):
        run_from.run(resume=tmp_path / "third" / "checkpoints" / "last.state")


def test_settings_of_the_new_command_count(config, tmp_path):
    run(config.model_copy(update={"steps": 3}), tmp_path)
    optimiser = OptimiserConfig(ema_decay=0.9, betas=(0.8, 0.9), epsilon=1e-4, weight_decay=0.1)
    trainer = build_trainer(config.model_copy(update={"optimiser": optimiser}), tmp_path, device="cpu", workers=0)
    trainer.run()
    (group,) = trainer.stepper.optimiser.param_groups
    assert (group["betas"], group["eps"], group["weight_decay"]) == ((0.8, 0.9), 1e-4, 0.1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"loss": LossConfig(text_focus=0.0, ctc=0.1)}, "parameters learned, or did not"),
        ({"prior_weights": "crnn-light-synth"}, "another prior_weights"),
        ({"task": "prior", "loss": LossConfig(ctc=1.0)}, "another task"),
    ],
)
def test_what_a_run_keeps_to_its_end_cannot_change(config, tmp_path, change, message):
    run(config.model_copy(update={"steps": 3}), tmp_path)
    before = (tmp_path / "checkpoints" / "last.state").read_bytes()
    with pytest.raises((ConfigError, WeightsError), match=message if "prior_weights" not in change else "prior"):
        run(config.model_copy(update=change), tmp_path)
    assert (tmp_path / "checkpoints" / "last.state").read_bytes() == before


def test_a_smoke_run_is_never_gone_on_with_in_earnest(config, tmp_path):
    build_trainer(config.model_copy(update={"steps": 2}), tmp_path, device="cpu", workers=0, smoke=True).run()
    with pytest.raises(ConfigError, match="is a smoke run's; give another --out"):
        run(config, tmp_path)


def test_scores_of_another_kind_are_not_compared(config, tmp_path):
    run(config.model_copy(update={"steps": 3}), tmp_path)
    notes = []
    other = config.model_copy(update={"validation": config.validation.model_copy(update={"select_by": "accuracy"})})
    result = build_trainer(other, tmp_path, device="cpu", workers=0, notify=notes.append).run()
    assert result.progress.best_step == 6  # not the decibels of step 3
    assert any("selected again" in note for note in notes)


def test_a_validation_that_gives_no_number_never_wins(config, tmp_path):
    trainer = build_trainer(config, tmp_path, device="cpu", workers=0)
    spoiled = []

    def spoil(report):
        if report.step == 2:
            spoiled.append(trainer.average.model.network.head.bias.clone())
            trainer.average.model.network.head.bias.fill_(float("nan"))
        if report.step == 3:
            trainer.average.model.network.head.bias.copy_(spoiled[0])

    trainer._report = spoil
    result = trainer.run()
    assert result.progress.best_step == 6
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert rows[0]["score"]["psnr_db"] is None
    assert math.isfinite(rows[1]["score"]["psnr_db"])


def test_the_same_command_shows_a_finished_run_again(config, tmp_path):
    first, again = run(config, tmp_path), run(config, tmp_path)
    assert again.progress == first.progress
    assert again.score.as_dict() == first.score.as_dict()


def test_leftovers_of_a_killed_save_go(config, tmp_path):
    run(config, tmp_path)
    leftover = tmp_path / "checkpoints" / ".last-abc.state"
    leftover.write_bytes(b"half")
    run(config, tmp_path)
    assert not leftover.exists()


def test_figures_are_written_once_however_often_a_run_was_stopped(config, tmp_path):
    config = config.model_copy(update={"save_every": 2})
    run(config, tmp_path / "whole")
    run(config.model_copy(update={"steps": 4}), tmp_path / "parts")
    folder = RunFolder(tmp_path / "parts")
    with folder.metrics.open("a") as file:  # what a killed run had written behind its last save, half a line of it
        file.write(json.dumps({"step": 5, "loss": 1.0}) + "\n" + '{"step": 6, "lo')
    run(config, tmp_path / "parts")
    steps = [json.loads(line)["step"] for line in folder.metrics.read_text().splitlines()]
    assert steps == [3, 4, 6]  # 4 was the last step of the shorter run


def test_checkpoints_are_kept_under_their_steps(config, tmp_path):
    run(config.model_copy(update={"keep_every": 2}), tmp_path)
    names = sorted(path.name for path in (tmp_path / "checkpoints").iterdir())
    assert names == [
        "best.safetensors",
        "last.safetensors",
        "last.state",
        "step-000002.safetensors",
        "step-000004.safetensors",
        "step-000006.safetensors",
    ]


def test_a_second_run_in_the_folder_is_refused(config, tmp_path):
    folder = RunFolder(tmp_path)
    folder.open()
    try:
        with pytest.raises(ConfigError, match=rf"another run \(process {os.getpid()}\) is training into it"):
            run(config, tmp_path)
    finally:
        folder.close()
    run(config, tmp_path)


def settings_of(config, tmp_path):
    path = tmp_path / "run.yaml"
    path.write_text(yaml.safe_dump(json.loads(config.model_dump_json())))
    return path


def command_for(config, tmp_path, out, workers=0):
    return [
        *(sys.executable, "-m", "glyphsr_cli", "train", "--config", str(settings_of(config, tmp_path))),
        *("--out", str(out), "--device", "cpu", "--workers", str(workers), "--quiet"),
    ]


@pytest.mark.process
def test_killed_at_any_moment_the_same_command_ends_with_the_same_weights(config, tmp_path):
    """Two kills here; ``benchmarks/kills.py`` does ten."""
    config = config.model_copy(update={"steps": 40, "save_every": 3, "loss": LossConfig(text_focus=0.0, ctc=0.1)})
    run(config, tmp_path / "whole")
    command = command_for(config, tmp_path, tmp_path / "killed")
    state = tmp_path / "killed" / "checkpoints" / "last.state"
    seen = 0.0
    for _ in range(2):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        while process.poll() is None and (not state.is_file() or state.stat().st_mtime <= seen):
            time.sleep(0.02)
        assert process.poll() is None, "the run ended before it could be killed"
        process.kill()
        process.wait()
        seen = state.stat().st_mtime
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert same(weights_of(tmp_path / "whole"), weights_of(tmp_path / "killed"))


@pytest.mark.process
def test_a_full_disk_is_one_line_and_earlier_checkpoints_stay(config, tmp_path):
    """A quota on the size of files stands in for the full disk."""
    run(config.model_copy(update={"steps": 3}), tmp_path / "run")
    checkpoints = tmp_path / "run" / "checkpoints"
    before = {path.name: path.read_bytes() for path in checkpoints.iterdir()}

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    command = command_for(config, tmp_path, tmp_path / "run")
    done = subprocess.run(command, capture_output=True, text=True, check=False, preexec_fn=limit)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "cannot be written" in done.stderr
    assert "what was saved before is intact" in done.stderr
    assert {path.name: path.read_bytes() for path in checkpoints.iterdir()} == before
    run(config, tmp_path / "run")  # continues once there is room


@pytest.mark.process
def test_a_signal_saves_and_ends_with_130(config, tmp_path):
    config = config.model_copy(update={"steps": 2000, "save_every": 2000})
    for number in (signal.SIGTERM, signal.SIGINT):
        out = tmp_path / number.name
        command = command_for(config, tmp_path, out, workers=2 if number == signal.SIGINT else 0)
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True)
        # With workers: while they start, which is when they would break off.
        ready = out / ("config.yaml" if number == signal.SIGINT else "metrics.jsonl")
        while process.poll() is None and not ready.is_file():
            time.sleep(0.02)
        time.sleep(1.0 if number == signal.SIGINT else 0.0)
        os.killpg(process.pid, number)  # as a terminal does: the workers get it too
        _, errors = process.communicate(timeout=300)
        assert process.returncode == 130
        assert b"the same command continues from there" in errors
        assert (out / "checkpoints" / "last.state").is_file()


def test_curves_are_written_where_tensorboard_is_installed(config, tmp_path):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    run(config, tmp_path)
    events = accumulator.EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    assert [point.step for point in events.Scalars("validation/psnr_db")] == [3, 6]
    assert {"train/loss", "train/pixel", "train/learning_rate"} <= set(events.Tags()["scalars"])
