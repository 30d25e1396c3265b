import json

import pytest
from typer.testing import CliRunner

from glyphsr import doctor
from glyphsr_cli.app import app


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GLYPHSR_CACHE", str(tmp_path / "cache"))


def examine():
    result = CliRunner().invoke(app, ["doctor", "--json"])
    document = json.loads(result.stdout)
    return result.exit_code, document["ok"], {check["name"]: check for check in document["checks"]}


def test_a_sound_installation_is_described():
    code, ok, checks = examine()
    assert (code, ok) == (0, True)
    assert {"python", "glyphsr", "torch", "devices", "opencv", "bundled weights", "cache"} <= checks.keys()
    assert "compact" in checks["bundled weights"]["found"]
    assert all(check["mend"] for check in checks.values() if check["status"] in ("warning", "error"))


def test_what_is_wrong_comes_with_its_mend(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("GLYPHSR_CACHE", str(tmp_path / "file" / "cache"))
    monkeypatch.setenv("GLYPHSR_DATA", str(tmp_path / "gone"))
    monkeypatch.setenv("GLYPHSR_SERVICE_HOST", "10.0.0.1")
    versions = {"opencv-python": "4.12.0.88", "opencv-python-headless": "4.9.0.80"}
    monkeypatch.setattr(doctor, "_version", versions.get)
    _, _, checks = examine()
    assert checks["opencv"]["status"] == "warning"
    assert "opencv-python==4.12.0.88 opencv-python-headless==4.12.0.88" in checks["opencv"]["mend"]
    assert "GLYPHSR_CACHE" in checks["cache"]["mend"]
    assert checks["data"]["status"] == "warning"
    assert "GLYPHSR_SERVICE_HOST" in checks["environment"]["found"]


def test_broken_weights_stop_the_work(monkeypatch):
    monkeypatch.setattr("glyphsr.weights.registry.BUNDLED_FOLDER", doctor.Path("nowhere"))
    code, ok, checks = examine()
    assert (code, ok, checks["bundled weights"]["status"]) == (5, False, "error")


def test_extras_that_are_not_installed_share_one_line():
    from glyphsr_cli.commands.doctor import _mends

    checks = [
        doctor.Check("extra demo", "note", "not installed: gradio", f"{doctor.WANTED} pip install 'glyphsr[demo]'"),
        doctor.Check("cache", "warning", "read-only", "set GLYPHSR_CACHE"),
        doctor.Check("extra serve", "note", "not installed: fastapi", f"{doctor.WANTED} pip install 'glyphsr[serve]'"),
    ]
    first, last = _mends(checks)
    assert first == "warning: cache: set GLYPHSR_CACHE"
    assert "demo, serve" in last
    assert "pip install 'glyphsr[NAME]'" in last
