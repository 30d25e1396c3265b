import json

import pytest
import torch
from typer.testing import CliRunner

from glyphsr.recognizers.crnn.network import CRNN
from glyphsr_cli.app import app

runner = CliRunner()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GLYPHSR_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def run(*arguments):
    return runner.invoke(app, ["models", *map(str, arguments)])


def test_list_shows_what_is_here_and_what_is_not():
    text = run("list").stdout
    assert "compact" in text
    assert "bundled" in text
    assert "not here" in text
    assert "ayumiymk/aster.pytorch" in text
    assert "glyphsr models pull" in text
    rows = {row["name"]: row for row in json.loads(run("list", "--json").stdout)["models"]}
    assert rows["compact"]["status"] == "bundled"
    assert rows["sam-vit-h"]["bytes"] == 2_564_550_879
    assert rows["aster"]["path"] is None


def test_convert_path_and_verify(tmp_path, cache):
    torch.save(CRNN().state_dict(), tmp_path / "crnn.pth")
    result = run("convert", tmp_path / "crnn.pth", "--as", "crnn")
    assert (result.exit_code, result.stdout.strip()) == (0, str(cache / "crnn.safetensors"))
    assert run("path", "crnn").stdout == result.stdout
    assert run("verify").exit_code == 0
    (cache / "crnn.safetensors").write_bytes(b"changed")
    bad = run("verify", "--json")
    assert bad.exit_code == 5
    assert [row["name"] for row in json.loads(bad.stdout)["models"] if not row["ok"]] == ["crnn"]
    again = run("convert", tmp_path / "crnn.pth", "--as", "crnn")
    assert again.exit_code == 2
    assert "--overwrite" in again.stderr
    assert run("convert", tmp_path / "crnn.pth", "--as", "crnn", "--overwrite").exit_code == 0
    assert "BAD" not in run("verify").stdout


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["path", "aster"], 4, "the authors publish demo.pth.tar"),
        (["pull", "aster"], 4, "the authors publish demo.pth.tar"),
        (["pull", "parseq", "--offline"], 4, "--offline"),
        (["path", "astre"], 4, "did you mean 'aster'"),
        (["convert", "no.pth", "--as", "aster"], 4, "no.pth: no such checkpoint"),
        (["verify", "aster"], 4, "no weights here"),
    ],
)
def test_mistakes_are_one_line(arguments, code, message):
    result = run(*arguments)
    assert result.exit_code == code, result.stderr
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1
