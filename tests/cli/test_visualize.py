import json

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from glyphsr.data.lmdb_writer import write_pairs
from glyphsr.training.train import train
from glyphsr_cli.app import app

from ..conftest import ROOT, draw_word

runner = CliRunner()
SAMPLE = ROOT / "glyphsr" / "data" / "sample" / "test" / "easy"


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("GLYPHSR_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("GLYPHSR_DATA", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def lmdb(tmp_path, words):
    write_pairs(tmp_path / "four", words)
    return tmp_path / "four"


def run(*arguments):
    return runner.invoke(app, ["visualize", *map(str, arguments)])


@pytest.mark.parametrize("what", ["compare", "glyphs", "gem", "prior", "attention"])
@pytest.mark.parametrize("ending", ["png", "html"])
def test_every_view_of_a_data_set(what, ending, lmdb, tmp_path):
    out = tmp_path / f"sheet.{ending}"
    result = run("--what", what, "--lmdb", lmdb, "--index", "1,3-4", "-o", out)
    assert result.exit_code == 0, result.stderr
    assert result.stdout == f"{out}\n"
    if ending == "png":
        sheet = np.asarray(Image.open(out))
        assert sheet.shape[1] == 1200
        assert sheet.std() > 5
    else:
        page = out.read_text()
        assert page.count('<section class="row"') == 3
        assert "four/000003" in page
        assert "four/000002" not in page


def test_pictures_need_no_truth(tmp_path):
    Image.fromarray(draw_word("STOP", 18)).save(tmp_path / "a.png")
    result = run("a.png", "--json")
    document = json.loads(result.stdout)
    assert (document["rows"], document["path"]) == (1, "glyphsr-compare.png")
    assert "crnn-synth is our own" in result.stderr
    assert (tmp_path / "glyphsr-compare.png").is_file()
    again = run("a.png")
    assert again.exit_code == 2
    assert "exists already; --overwrite replaces it" in again.stderr
    for what in ("gem", "attention"):
        untold = run("a.png", "--what", what)
        assert untold.exit_code == 2
        assert "give --text" in untold.stderr
        assert run("a.png", "--what", what, "--text", "STOP").exit_code == 0


def test_the_worst_come_first_and_outcomes_are_told(lmdb, tmp_path):
    result = run("--lmdb", lmdb, "--worst", 2, "-o", "worst.html")
    assert result.exit_code == 0, result.stderr
    page = (tmp_path / "worst.html").read_text()
    assert page.count('<section class="row"') == 2
    similar = [float(part.split("<")[0]) for part in page.split("similarity ")[1:]]
    assert similar == sorted(similar)


def test_failures_of_an_evaluation(lmdb, words, tmp_path):
    base = {"subset": "four"}
    rows = []
    read = (("OPEN", "OPEN"), ("hotel", "hobel"), ("xx", "4z"), ("crossing", "crossing"))
    for i, (word, (before, after)) in enumerate(zip(words, read, strict=True)):
        for row, text in (("bicubic", before), ("compact", after), ("hr", word.label)):
            right = text.lower() == word.label.lower()
            readings = {"crnn": {"text": text, "confidence": 0.5, "correct": right}}
            rows.append(base | {"id": f"four/{i + 1:06d}", "label": word.label, "row": row, "readings": readings})
    file = tmp_path / "per.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    result = run("--what", "failures", "--lmdb", lmdb, "--per-image", file, "-o", "failures.html")
    assert result.exit_code == 0, result.stderr
    page = (tmp_path / "failures.html").read_text()
    assert page.index("Hotel") < page.index("four/000003")  # broken before wrong from the start
    assert page.count('<section class="row"') == 2
    assert 'data-outcome="broken"' in page
    assert 'data-outcome="both wrong"' in page
    assert f"LR {words[1].lr.shape[1]} x {words[1].lr.shape[0]}" in page
    squashed = [row | {"protocol": "paper"} for row in rows]  # then the judges saw other pictures
    (tmp_path / "squashed.jsonl").write_text("".join(json.dumps(row) + "\n" for row in squashed))
    paper = run("--what", "failures", "--lmdb", lmdb, "--per-image", "squashed.jsonl", "-o", "squashed.html")
    assert paper.exit_code == 0, paper.stderr
    seen = (tmp_path / "squashed.html").read_text()
    assert seen.count("LR 64 x 16") == seen.count("LR ") > 0
    two = [row | {"subset": "five"} for row in rows]  # of an evaluation of two subsets, one is asked for
    (tmp_path / "two.jsonl").write_text("".join(json.dumps(row) + "\n" for row in [*two, *rows]))
    one = run("--what", "failures", "--lmdb", lmdb, "--per-image", "two.jsonl", "-o", "one.html")
    assert one.exit_code == 0, one.stderr
    assert (tmp_path / "one.html").read_text().count('<section class="row"') == 2
    other = run("--what", "failures", "--lmdb", SAMPLE, "--per-image", file, "-o", "other.html")
    assert other.exit_code != 0
    assert f"has words of four, none of {SAMPLE.name}; see --lmdb" in other.stderr
    assert not (tmp_path / "other.html").exists()
    file.write_text(file.read_text().replace("hotel", "motel").replace("Hotel", "motel"))
    other = run("--what", "failures", "--lmdb", lmdb, "--per-image", file, "-o", "other.html")
    assert "its word four four/000002 'motel' is not in four: made of another data set" in other.stderr
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    renamed = file.read_text().replace('"row": "compact"', '"row": "mine.safetensors"')
    (tmp_path / "mine.jsonl").write_text(renamed)
    mine = run("--what", "failures", "--lmdb", lmdb, "--per-image", "mine.jsonl", "-o", "mine.html")
    assert "has rows of mine.safetensors, not of compact" in mine.stderr
    file.write_text('{"subset": "four"}\n')
    broken = run("--what", "failures", "--lmdb", lmdb, "--per-image", file, "-o", "broken.html")
    assert "line 1: not what eval --per-image writes" in broken.stderr


def test_the_view_can_be_set_like_any_setting(lmdb):
    shown = json.loads(run("--lmdb", lmdb, "--set", "what=prior", "-o", "p.png", "--json").stdout)
    assert shown["what"] == "prior"


def test_an_engine_does_not_show_where_it_looks(lmdb):
    pytest.importorskip("rapidocr")
    pytest.importorskip("onnxruntime")
    assert "does not show where it looks" in run("--lmdb", lmdb, "--what", "attention", "-R", "rapidocr").stderr


def test_a_run_of_training(tiny_config, word_folder, tmp_path):
    from ..training.test_recognizer import KINDS, config_for

    train(config_for(KINDS["crnn"], word_folder), out=tmp_path / "run", device="cpu", workers=0)
    result = run("--what", "training", "--run", "run", "-o", "training.html")
    assert result.exit_code == 0, result.stderr
    page = (tmp_path / "training.html").read_text()
    for name in ("loss", "reading", "accuracy", "learning_rate"):
        assert f">{name}<" in page
    assert "no run folder" in run("--what", "training", "--run", "nowhere", "-o", "x.png").stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "expected pictures, or --lmdb NAME"),
        (("--lmdb", "four", "--index", "5"), "--index: expected 1..4, got 5"),
        (("--lmdb", "four", "--index", "a"), "expected numbers such as 3,7,10-12"),
        (("--lmdb", "four", "--index", "9" * 5000), "expected numbers such as 3,7,10-12"),
        (("--lmdb", "four", "--index", "1-99999,1-99999"), "at most 100000 numbers"),
        (("--lmdb", "none"), "no such LMDB"),
        (("nowhere.png",), "nowhere.png: no such file or folder"),
        (("--lmdb", "four", "-o", "x.gif"), "expected a name ending in .png, .html or .pdf"),
        (("--lmdb", "four", "-o", "no/x.png"), "the folder no does not exist"),
        (("--lmdb", "four", "--what", "glyphs", "-w", "nothing"), "nothing"),
        (("--lmdb", "four", "--index", "4-2"), "expected a growing range"),
        (("--lmdb", "four", "--index", "1", "--sample", "2"), "not both"),
        (("--lmdb", "four", "--text", "x"), "words of --lmdb have their own"),
        (("--lmdb", "four", "--worst", "1", "--index", "2"), "leave --index and --sample away"),
        (("--lmdb", "four", "--set", "what=books"), "what"),
        (("--lmdb", "four", "--what", "gem", "--worst", "3"), "--worst: words are read for"),
        (
            (
                "--what",
                "failures",
            ),
            "--per-image: expected the file of",
        ),
        (("--what", "training"), "--run: expected the run folder"),
    ],
)
def test_what_cannot_be_shown_is_one_line(arguments, said, lmdb):
    result = run(*arguments)
    assert result.exit_code in (1, 2, 4), result.stderr
    assert said in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("what", ["compare", "glyphs", "prior", "attention"])
def test_every_network_goes_where_it_is_sent(lmdb, what):
    result = run("--lmdb", lmdb, "--what", what, "--device", "cuda:7")
    assert result.exit_code == 2
    assert "cuda:7" in result.stderr
