"""A network of another package, found through its entry point: trained, scored, and used by ``upscale``."""

import json
import sys
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from glyphsr.config.model import ModelConfig
from glyphsr.config.validation import validate
from glyphsr.errors import ConfigError
from glyphsr.models.registry import architecture, build_network
from glyphsr_cli.app import app

PAGE = Path(__file__).parents[2] / "docs" / "adding-a-network.md"


def block(language):
    """The first block of the page in a language."""
    return PAGE.read_text().split(f"```{language}\n", 1)[1].split("```", 1)[0]


@pytest.fixture
def package(tmp_path, monkeypatch):
    """The page's package, installed beside the library: a module, and what an installer writes down about it."""
    site = tmp_path / "site"
    info = site / "mini_network-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "mini_network.py").write_text(block("python"))
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mini-network\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[glyphsr.networks]\nmini = mini_network:Mini\n")
    monkeypatch.syspath_prepend(str(site))
    yield site
    sys.modules.pop("mini_network", None)


def run(*arguments):
    result = CliRunner().invoke(app, list(map(str, arguments)))
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_network_of_the_page_is_trained_scored_and_used(package, tmp_path, tiny_lmdb, picture, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mini.yaml").write_text(block("yaml").replace("train", str(tiny_lmdb)))
    run("train", "--config", "mini.yaml", "--out", "run", "--device", "cpu", "--workers", 0, "--max-steps", 2, "-q")
    best = tmp_path / "run" / "checkpoints" / "best.safetensors"

    report = json.loads(run("eval", "--weights", best, "--split", tiny_lmdb, "--json", "--bootstrap", 0, "-q"))
    assert {row["name"] for row in report["rows"]} == {"bicubic", "best.safetensors", "hr"}
    assert report["rows"][1]["network"] == "mini"

    assert run("upscale", picture, "--weights", best, "-o", tmp_path / "out.png").strip().endswith("out.png")


def test_its_settings_are_its_own(package):
    config = validate(ModelConfig, {"network": {"kind": "mini", "width": 8}}, "here")
    assert (config.network.kind, config.network.width) == ("mini", 8)
    again = validate(ModelConfig, config.model_dump(mode="json"), "here")
    assert again == config

    sr = build_network(config.network, num_classes=0)(torch.rand(2, 3, 16, 64)).sr
    assert sr.shape == (2, 3, 32, 128)


def test_what_is_wrong_with_its_settings_is_said_like_ours(package):
    with pytest.raises(ConfigError, match=r"here: network\.width: "):
        validate(ModelConfig, {"network": {"kind": "mini", "width": "many"}}, "here")
    with pytest.raises(ConfigError, match=r"network\.kind: expected one of .*glyphsr, .*, mini, got 'minni'"):
        validate(ModelConfig, {"network": {"kind": "minni"}}, "here")


def test_a_kind_that_no_package_offers_is_one_line(package):
    with pytest.raises(ConfigError, match=r"no installed package offers it in the group glyphsr\.networks"):
        architecture("maxi")
    (package / "mini_network-1.0.dist-info" / "entry_points.txt").write_text(
        "[glyphsr.networks]\nmini = nowhere:Mini\n"
    )
    with pytest.raises(ConfigError, match="nowhere:Mini cannot be imported"):
        architecture("mini")
