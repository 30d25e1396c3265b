import json
import os

import pytest
import yaml
from typer.testing import CliRunner

from glyphsr.config.reader import load
from glyphsr.config.training import TrainConfig
from glyphsr_cli.app import app

from ..conftest import ROOT

runner = CliRunner()
CONFIGS = sorted(path for path in (ROOT / "configs").rglob("*.yaml") if path.parent.name != "words")

THIN = ("model.network.num_srbs=1", "model.network.width=16")
LANGUAGE = ("model.network.language_width=32", "model.prior={kind: crnn, width: 8, hidden: 16}")
PARSEQ = "{kind: parseq, embed_dim: 24, encoder_depth: 1, encoder_heads: 2, decoder_heads: 2}"
STRIPS = ("model.network.num_pairs=1", "model.network.width=16", f"model.prior={PARSEQ}")
SMALLER = {
    "lemma": (*THIN, "model.network.reader_width=4"),
    "tsan": THIN,
    "rtsrn": (*THIN, *LANGUAGE),
    "c3stisr": (*THIN, *LANGUAGE),
    "pean": STRIPS,
    "pean-enhanced": STRIPS,
}
"""Settings of configurations whose networks take seconds in the size of their papers."""


@pytest.fixture
def config_file(tiny_config, word_folder, tmp_path):
    path = tmp_path / "run.yaml"
    settings = {
        "model": json.loads(tiny_config.model_dump_json()),
        "data": {"sources": [{"kind": "folder", "path": str(word_folder)}], "line_width": None, "held_out": 0.3},
    }
    path.write_text(yaml.safe_dump(settings))
    return path


def test_smoke_trains_two_steps_and_prints_the_weights(config_file, tmp_path):
    arguments = [
        "train",
        "-c",
        config_file,
        "-o",
        tmp_path / "run",
        "--smoke",
        "--device",
        "cpu",
        "--workers",
        "0",
        "-v",
    ]
    result = runner.invoke(app, [*map(str, arguments)])
    assert result.exit_code == 0, result.stderr
    assert result.stdout.strip() == str(tmp_path / "run" / "checkpoints" / "best.safetensors")
    assert "step 2: pixel" in result.stderr
    assert "parameters to train on cpu" in result.stderr
    assert "Training of run" in result.stderr
    again = runner.invoke(app, [*map(str, arguments), "--json", "--quiet"])
    document = json.loads(again.stdout)
    assert (document["command"], document["steps"], document["skipped"]) == ("train", 2, 0)
    assert again.stderr == ""
    upscaled = runner.invoke(app, ["config", "show", str(tmp_path / "run" / "config.yaml")])
    assert yaml.safe_load(upscaled.stdout)["steps"] == 2


@pytest.fixture
def fresh_machine(tmp_path, monkeypatch):
    """No data, no weights but the package's, no fonts to speak of."""
    for name in list(os.environ):
        if name.startswith("GLYPHSR_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("GLYPHSR_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_published_configuration_takes_two_steps_on_a_fresh_machine(path, fresh_machine):
    arguments = ["train", "--config", str(path), "--smoke", "--out", "run", "--device", "cpu", "--workers", "0"]
    smaller = [part for text in SMALLER.get(path.stem, ()) for part in ("--set", text)]
    result = runner.invoke(app, [*arguments, *smaller])
    assert result.exit_code == 0, result.stderr
    rows = [json.loads(line) for line in (fresh_machine / "run" / "metrics.jsonl").read_text().splitlines()]
    config = load(TrainConfig, path, environment={})
    tasks = config.glyph_tasks
    expected = {
        "pixel": config.loss.pixel > 0 and config.task == "sr",
        "gradient": config.loss.gradient > 0,
        "hog": config.loss.hog > 0 and config.task == "sr",
        "attention": config.focuses and config.loss.attention > 0,
        "confusion": config.focuses and config.loss.confusion > 0,
        "confusion_2": config.focuses and len(config.loss.focus_recognizers) > 1,
        "reading": config.task == "recognizer",
        "line": tasks.line,
        "char": tasks.char,
        "cls": tasks.cls,
        "text_prior": config.loss.text_prior > 0,
        "ctc": config.loss.ctc > 0,
        "columns": config.loss.columns > 0,
        "network_reading": config.loss.network_reading > 0,
        "prior_enhancement": config.loss.prior_enhancement > 0,
    }
    assert {name for name in expected if name in rows[-1]} == {name for name, there in expected.items() if there}
    assert rows[-1]["step"] == 2
    assert rows[-1]["skipped"] == 0


def test_the_papers_protocol_selects_on_test_and_says_so(fresh_machine):
    arguments = ["train", "--config", str(ROOT / "configs" / "tsrn.yaml"), "--smoke", "--protocol", "paper"]
    result = runner.invoke(app, [*arguments, "--out", "run", "--device", "cpu", "--workers", "0", "--json"])
    assert result.exit_code == 0, result.stderr
    assert "weights are selected on the test subsets" in result.stderr
    score = json.loads(result.stdout)["best_validation"]
    assert set(score["parts"]) == {"easy", "medium", "hard"}
    assert score["accuracy"] == pytest.approx(sum(score["parts"].values()) / 3, abs=1e-3)


def test_what_stands_in_is_said(fresh_machine):
    arguments = ["train", "--config", str(ROOT / "configs" / "glyphsr.yaml"), "--smoke", "--out", "run"]
    result = runner.invoke(app, [*arguments, "--device", "cpu", "--workers", "0"])
    for message in (
        "parseq is not here, so the text prior starts from random weights",
        "crnn-synth stands in for the text focus",
        "stands in for Telescope, by its CTC alignment",
    ):
        assert message in result.stderr


def test_without_smoke_no_prior_stands_in(fresh_machine):
    arguments = ["train", "--config", str(ROOT / "configs" / "glyphsr.yaml"), "--out", "run", "--offline"]
    result = runner.invoke(app, [*arguments, "--device", "cpu", "--workers", "0"])
    assert result.exit_code == 4
    assert "parseq: no weights here (offline)" in result.stderr
    assert not (fresh_machine / "run").exists()


@pytest.mark.parametrize(
    ("sets", "code", "message"),
    [
        (["optimiser.learning_rate=7e-4"], 2, "got the text '7e-4' (YAML wants 7.0e-4)"),
        (["loss.hogg=1.0"], 2, "loss.hogg: unknown key; did you mean 'hog'?"),
        (["model.network.gpm.num_classes=36"], 2, "num_classes: expected at least 37 (36 characters and the end)"),
        (["data.glyph_source=kmeans"], 2, "k-means gives no character masks"),
        (["batch_size=0"], 2, "batch_size"),
        (["loss.confusion_table=none.json"], 4, "none.json: No such file"),
        (["loss.confusion_table=none.pkl"], 4, "none.pkl: expected a .json file"),
    ],
)
def test_wrong_settings_are_one_line(fresh_machine, sets, code, message):
    overrides = [
        part for text in ["loss.focus_recognizer=crnn-synth", "prior_weights=null", *sets] for part in ("--set", text)
    ]
    arguments = ["train", "--config", str(ROOT / "configs" / "glyphsr.yaml"), "--out", "run", *overrides]
    result = runner.invoke(app, [*arguments, "--device", "cpu", "--quiet"])
    assert (result.exit_code, result.stdout) == (code, "")
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


def test_missing_masks_are_named_with_the_command_that_makes_them(fresh_machine, tiny_lmdb):
    source = f"data.sources=[{{kind: lmdb, path: {tiny_lmdb}}}]"
    base = ["train", "--set", source, "--set", "loss.text_focus=0.0", "--out", "run", "--device", "cpu", "--quiet"]
    result = runner.invoke(app, base)
    assert result.exit_code == 4
    assert f"no glyph masks of {tiny_lmdb}; make them with `glyphsr extract --lmdb {tiny_lmdb}`" in result.stderr
    assert runner.invoke(app, [*base, "--glyphs", "none", "--smoke", "--workers", "0"]).exit_code == 0


def test_missing_data_is_exit_4(tmp_path):
    result = runner.invoke(
        app,
        [
            "train",
            "--out",
            str(tmp_path),
            "-c",
            str(ROOT / "configs" / "glyphsr.yaml"),
            "--data-root",
            str(tmp_path),
        ],
    )
    assert result.exit_code == 4
    assert "train: no such LMDB under" in result.stderr


def test_config_show_prints_every_value_and_validate_names_mistakes(tmp_path):
    shown = runner.invoke(app, ["config", "show", "--set", "steps=9"])
    tree = yaml.safe_load(shown.stdout)
    assert tree["steps"] == 9
    assert tree["model"]["network"]["gfm_from"] == 4
    (tmp_path / "full.yaml").write_text(shown.stdout)
    assert load(TrainConfig, tmp_path / "full.yaml", environment={}).steps == 9
    assert runner.invoke(app, ["config", "validate", str(tmp_path / "full.yaml")]).stdout.endswith("ok\n")
    (tmp_path / "bad.yaml").write_text("stpes: 3")
    bad = runner.invoke(app, ["config", "validate", str(tmp_path / "bad.yaml")])
    assert (bad.exit_code, bad.stdout) == (2, "")
    assert "did you mean 'steps'" in bad.stderr


def test_no_arguments_show_the_help():
    result = runner.invoke(app, [])
    assert "upscale" in result.output
