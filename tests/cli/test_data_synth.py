import json

import pytest
from PIL import Image
from typer.testing import CliRunner

from glyphsr_cli.app import app

from ..helpers.fonts import font_of_boxes

runner = CliRunner()
SMALL = ("--fonts", "builtin", "--height", "16")


@pytest.fixture(autouse=True)
def somewhere(tmp_path, monkeypatch):
    monkeypatch.delenv("GLYPHSR_DATA", raising=False)
    monkeypatch.setenv("GLYPHSR_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


def run(*arguments):
    return runner.invoke(app, ["data", *map(str, arguments)])


def test_synth_then_inspect_verify_and_train(tmp_path):
    made = run("synth", "-n", 40, "--glyphs", "-o", "synth/train", *SMALL)
    assert (made.exit_code, made.stdout) == (0, "synth/train\nsynth/train-glyphs\n"), made.stderr
    assert made.stderr.startswith("40 samples, 1 fonts, ")
    looked = run("inspect", "synth/train", "--sheet", "sheet.png")
    assert looked.exit_code == 0
    assert (tmp_path / "sheet.png").is_file()
    assert run("verify", "synth/train").stdout == "ok  synth/train: 40 samples, 0 broken\n"
    config = tmp_path / "c.yaml"
    config.write_text(
        "model:\n"
        "  network: {num_srbs: 2, width: 8, prior_width: 4, prior_hidden: [8, 8, 8], gfm_from: 2, gpm: {width: 8}}\n"
        "  prior: {kind: crnn, width: 4, hidden: 8}\n"
        "data: {sources: [{kind: lmdb, path: train}]}\nloss: {text_focus: 0.0}\n"
    )
    arguments = ["train", "--config", str(config), "--data-root", "synth", "--smoke", "--out", "run", "--device", "cpu"]
    trained = runner.invoke(app, arguments)
    assert trained.exit_code == 0, trained.stderr
    assert "masks" not in trained.stderr  # they are there, so nothing stands in for them
    step = json.loads((tmp_path / "run" / "metrics.jsonl").read_text().splitlines()[0])
    assert {"line", "char", "cls"} <= set(json.dumps(step).replace('"', " ").split())


def test_json_says_what_was_made():
    made = run("synth", "-n", 5, "-o", "set", "--json", *SMALL)
    document = json.loads(made.stdout)
    assert (document["schema_version"], document["samples"], document["made"], document["glyphs"]) == (1, 5, 5, None)


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("--height", 33), 2, "height"),
        (("--height", 100000), 2, "height"),
        (("--count", 0), 2, "count"),
        (("--difficulty", "2"), 2, "difficulty"),
        (("--difficulty", "hard"), 2, "expected numbers from 0 to 1, such as 0.5 or 0.2..0.8"),
        (("--workers", "many"), 2, "workers: expected auto or 1 to 256, got 'many'"),
        (("--workers", "\u00b2"), 2, "expected auto or 1 to 256"),
        (("--difficulty", "0.8..0.2"), 2, "degradation.difficulty: expected two values of at least 0"),
        (("--set", "count=1e3"), 2, "(YAML wants 1000)"),
        (("--backgrounds", ""), 4, "no such folder of photographs"),
        (("--count", 999_999_999), 1, "words need about 12288000 MB, "),
        (("--set", "render.colour=1"), 2, "render.colour: unknown key"),
        (("--words", "none.txt"), 4, "none.txt: No such file"),
        (("--fonts", "none"), 4, "none: no such font file or folder"),
        (("--backgrounds", "none"), 4, "none: no such folder of photographs"),
    ],
)
def test_mistakes_are_one_line_and_leave_nothing(tmp_path, arguments, code, says):
    fonts = () if "--fonts" in arguments else ("--fonts", "builtin")
    done = run("synth", "-o", "set", *fonts, *arguments)
    assert (done.exit_code, done.stdout) == (code, "")
    assert says in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "set").exists()
    assert not (tmp_path / "set.partial").exists()


def test_a_font_of_boxes_is_one_line(tmp_path):
    font_of_boxes(tmp_path / "boxes.ttf")
    done = run("synth", "-o", "set", "--fonts", "boxes.ttf")
    assert done.exit_code == 4
    assert done.stderr.startswith("error: boxes.ttf: none of 1 font files draws letters and digits; install some")


def test_an_output_that_exists_is_kept():
    assert run("synth", "-n", 2, "-o", "set", *SMALL).exit_code == 0
    again = run("synth", "-n", 2, "-o", "set", *SMALL)
    assert (again.exit_code, again.stderr) == (2, "error: set: exists already; --overwrite replaces it\n")
    assert run("synth", "-n", 3, "-o", "set", "--overwrite", *SMALL).exit_code == 0


def test_own_words_at_one_difficulty(tmp_path):
    (tmp_path / "w.txt").write_text("EXIT 7\nno smoking\n")
    assert run("synth", "-n", 6, "-o", "set", "--words", "w.txt", "--difficulty", "0.2..0.3", *SMALL).exit_code == 0
    found = json.loads(run("inspect", "set", "--json").stdout)
    assert set(found["alphabet"]) <= set("EXIT 7no smoking")


def test_degrade_draws_a_sheet(tmp_path):
    done = run("degrade", "-o", "sheet.png", "--samples", 2, "--fonts", "builtin", "-q")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "sheet.png\n", "")
    assert run("degrade", "-o", "sheet.png", "--fonts", "builtin").exit_code == 2
    for arguments, says in (
        (("-o", "sheet.jpg"), "expected a name ending in .png"),
        (("-o", "none/sheet.png"), "does not exist"),
        (("-o", "new.png", "--difficulty", "0,x"), "such as 0,0.5,1"),
        (("-o", "new.png", "--difficulty", "0,7"), "numbers from 0 to 1"),
    ):
        failed = run("degrade", *arguments, "--fonts", "builtin")
        assert failed.exit_code == 2
        assert says in failed.stderr
    unwritable = run("degrade", "--fonts", "builtin", "-o", "/proc/sheet.png")
    assert (unwritable.exit_code, len(unwritable.stderr.splitlines())) == (1, 1), unwritable.stderr
    Image.new("RGB", (30000, 1)).save("wide.png")
    assert run("degrade", "wide.png", "-o", "wide-sheet.png").exit_code == 0
    missing = run("degrade", "nothing.png", "-o", "new.png")
    assert (missing.exit_code, missing.stderr) == (4, "error: nothing.png: no such picture\n")
