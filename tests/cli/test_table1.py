"""The systems of Table 1 go through every command that takes networks, all six by one call, since calls cost most."""

import json

import pytest
import torch
from typer.testing import CliRunner

from glyphsr.config.model import ModelConfig
from glyphsr.models.super_resolver import SuperResolver
from glyphsr.weights.checkpoints import save_checkpoint
from glyphsr_cli.app import app

from ..conftest import ROOT
from ..models.test_baselines import CONFIGS, PRIOR

runner = CliRunner()
KINDS = ("tg", "c3stisr", "pean", "lemma", "rtsrn", "tsan")
FEW = ("--limit", "1", "-R", "crnn-light-synth", "--device", "cpu")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("table1")
    for kind in KINDS:
        torch.manual_seed(0)
        config = ModelConfig(network=CONFIGS[kind], prior=PRIOR)
        model = SuperResolver.from_config(config)
        save_checkpoint(folder / f"{kind}.safetensors", model, kind="super_resolver", config=config, card={})
    return folder


def run(command, *arguments, weights):
    return runner.invoke(app, [*map(str, [command, *arguments]), *(part for text in weights for part in ("-w", text))])


def test_all_are_scored_at_once(folder, monkeypatch):
    monkeypatch.delenv("GLYPHSR_DATA", raising=False)
    weights = [f"{kind}={folder / kind}.safetensors" for kind in KINDS]
    result = run("eval", *FEW, "--split", "easy", "--bootstrap", "0", "--json", weights=weights)
    assert result.exit_code == 0, result.stderr
    assert all(f'"{kind}"' in result.stdout for kind in KINDS)


def test_all_stand_beside_each_other_in_a_picture(folder, tmp_path):
    weights = [str(folder / f"{kind}.safetensors") for kind in KINDS]
    sheet = tmp_path / "sheet.png"
    sign = ROOT / "examples" / "sign.png"
    result = run("visualize", sign, "--what", "compare", "--device", "cpu", "-o", sheet, weights=weights)
    assert result.exit_code == 0, result.stderr
    assert sheet.stat().st_size > 1000


def test_all_fill_their_row_of_the_table(folder, tmp_path, monkeypatch):
    monkeypatch.delenv("GLYPHSR_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    weights = [f"{kind}={folder / kind}.safetensors" for kind in KINDS]
    configs = ROOT / "configs"
    result = run("reproduce", "table1", *FEW, "--split", "easy", "--json", "--configs", configs, weights=weights)
    assert result.exit_code == 0, result.stderr
    rows = {row["id"].removeprefix("table1/"): row for row in json.loads(result.stdout)["rows"]}
    assert [len(rows[kind]["scores"]) for kind in KINDS] == [1] * len(KINDS)
    assert not any(rows[kind]["missing"] for kind in KINDS)
    for name in ("dpmn", "rgdiffsr", "textdiff"):
        assert rows[name]["missing"][0].startswith("not built: ")
