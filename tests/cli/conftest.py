"""What tests of ``glyphsr upscale`` share: the command with a tiny model, and a folder of three pictures."""

import pytest
from PIL import Image
from typer.testing import CliRunner

from glyphsr_cli.app import app

from ..conftest import draw_word


@pytest.fixture
def run(tiny_weights, monkeypatch):
    monkeypatch.setenv("GLYPHSR_WEIGHTS", str(tiny_weights))
    monkeypatch.setenv("GLYPHSR_DEVICE", "cpu")
    runner = CliRunner()

    def invoke(*arguments, stdin=None):
        return runner.invoke(app, ["upscale", *map(str, arguments)], input=stdin)

    return invoke


@pytest.fixture
def folder(tmp_path):
    source = tmp_path / "in"
    (source / "deep").mkdir(parents=True)
    for name, text, height in (("a.png", "one", 16), ("b.jpg", "two", 24), ("deep/c.png", "three", 40)):
        Image.fromarray(draw_word(text, height)).save(source / name)
    (source / "notes.txt").write_text("not a picture")
    return source


def load(source):
    with Image.open(source) as image:
        image.load()
    return image


def names(path):
    return sorted(str(p.relative_to(path)) for p in path.rglob("*") if p.is_file())
