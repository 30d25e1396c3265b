import json

import pytest
import yaml
from typer.testing import CliRunner

from glyphsr.config.reader import load
from glyphsr.config.training import TrainConfig
from glyphsr_cli.app import app

from ..conftest import ROOT

runner = CliRunner()


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
    again = runner.invoke(app, [*map(str, arguments), "--json", "--quiet"])
    assert json.loads(again.stdout)["command"] == "train"
    upscaled = runner.invoke(app, ["config", "show", str(tmp_path / "run" / "config.yaml")])
    assert yaml.safe_load(upscaled.stdout)["steps"] == 2


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
