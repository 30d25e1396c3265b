import json
import shutil

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from glyphsr_cli.app import app

from ..conftest import draw_word
from ..helpers.lmdb import recognition_set

runner = CliRunner()


@pytest.fixture(autouse=True)
def somewhere(tmp_path, monkeypatch):
    monkeypatch.delenv("GLYPHSR_DATA", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / "words"
    folder.mkdir()
    for i, text in enumerate(["OPEN", "Hotel"]):
        Image.fromarray(draw_word(text, 40)).save(folder / f"{text}_{i}.png")
    return folder


def run(*arguments):
    return runner.invoke(app, ["data", *map(str, arguments)])


def test_make_verify_inspect_export(pictures, tmp_path):
    made = run("make", pictures, "-o", "set")
    assert (made.exit_code, made.stdout) == (0, "set\n"), made.stderr
    assert "2 samples, 0 left out" in made.stderr
    assert run("verify", "./set").stdout == "ok  set: 2 samples, 0 broken\n"
    looked = run("inspect", "./set", "--sheet", "sheet.png")
    assert looked.exit_code == 0
    assert "2, 0 broken" in looked.stdout
    assert np.asarray(Image.open("sheet.png")).shape[2] == 3
    assert run("inspect", "./set", "--sheet", "sheet.png").exit_code == 2
    out = run("export", "./set", "-o", "out", "-f", "doctr")
    assert out.exit_code == 0
    assert json.loads((tmp_path / "out" / "labels.json").read_text()) == {
        "hr/Hotel_1.png": "Hotel",
        "hr/OPEN_0.png": "OPEN",
    }


def test_broken_pictures_are_named_and_exit_code_3(pictures):
    (pictures / "zzz_3.png").write_bytes(b"no")
    result = run("make", pictures, "-o", "set", "--json")
    assert result.exit_code == 3
    document = json.loads(result.stdout)
    assert (document["samples"], document["bad"][0]["id"]) == (2, "zzz_3.png")
    assert "zzz_3.png: not a readable picture" in result.stderr


def test_names_stand_for_the_sample_set_on_a_fresh_machine():
    result = run("inspect", "easy")
    assert result.exit_code == 0
    assert "small sample set" in result.stderr
    assert "12, 0 broken" in result.stdout
    assert run("verify", "train", "easy", "medium", "hard").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["verify", "/no/where"], 4, "no LMDB here"),
        (["inspect", "nothing"], 4, "no such LMDB"),
        (["make", "/no/where", "-o", "set"], 4, "no such folder"),
        (["make", "-o", "set"], 2, "expected either a folder"),
        (["export", "easy", "-o", "out", "-f", "filename"], 2, "--format filename"),
        (["inspect", "easy", "--sheet", "x.jpg"], 2, ".png"),
    ],
)
def test_mistakes_are_one_line(arguments, code, message):
    result = run(*arguments)
    assert result.exit_code == code, result.stderr
    assert message in result.stderr
    assert len([line for line in result.stderr.splitlines() if "sample set" not in line]) == 1


def test_verify_exits_with_5_and_json_lists_everything(tiny_lmdb, tmp_path):
    import shutil

    import lmdb

    shutil.copytree(tiny_lmdb, tmp_path / "broken")
    with lmdb.open(str(tmp_path / "broken"), map_size=1 << 24) as env, env.begin(write=True) as transaction:
        transaction.delete(b"image_lr-000000003")
    result = run("verify", "./broken", "--json")
    assert result.exit_code == 5
    assert json.loads(result.stdout)["sets"][0]["bad"][0]["id"] == "broken/000003"
    assert "BAD" in run("verify", "./broken").stdout


def test_a_set_for_recognition_is_looked_at_and_becomes_pairs(words, tmp_path):
    recognition_set(tmp_path / "rec", words)
    assert run("verify", "./rec").stdout == "ok  rec: 4 samples, 0 broken\n"
    found = json.loads(run("inspect", "./rec", "--json").stdout)
    assert (found["samples"], found["lr_height"]) == (4, None)
    assert run("export", "./rec", "-o", "words").exit_code == 0
    made = run("make", "words/hr", "--labels", "words/labels.txt", "-o", "pairs")
    assert made.exit_code == 0, made.stderr
    assert json.loads(run("inspect", "./pairs", "--json").stdout)["lr_height"]["median"] == 16


def test_texts_from_file_names_are_said_to_be(pictures):
    assert (
        "texts are taken from the file names, such as 'Hotel' of Hotel_1.png" in run("make", pictures, "-o", "a").stderr
    )
    assert "file names" not in run("make", pictures, "-o", "b", "--format", "filename").stderr


def test_inspect_takes_several_sets_and_masks(tiny_lmdb, tmp_path):
    shutil.copytree(tiny_lmdb, tmp_path / "one")
    assert run("synth", "-o", "two", "-n", "3", "--fonts", "builtin", "--glyphs").exit_code == 0
    sets = json.loads(run("inspect", "./one", "./two", "./two-glyphs", "--json").stdout)["sets"]
    assert [one.get("samples", one.get("words")) for one in sets] == [4, 3, 3]
    assert sets[2]["characters"] > 3
    assert "glyph masks" in run("inspect", "./two-glyphs").stdout


def test_a_word_list_of_icdar_is_found_by_its_name(pictures, tmp_path):
    (pictures / "gt.txt").write_text(
        '\ufeffOPEN_0.png, "say \\"OPEN\\", now"\r\nHotel_1.png, "Hotel"\r\n', encoding="utf-8"
    )
    assert run("make", pictures, "-o", "set").exit_code == 0
    assert run("export", "./set", "-o", "out", "--format", "doctr").exit_code == 0
    assert set(json.loads((tmp_path / "out" / "labels.json").read_text()).values()) == {'say "OPEN", now', "Hotel"}
