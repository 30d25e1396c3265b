"""``glyphsr upscale`` as a user meets it: exit codes, streams, files."""

import csv
import io
import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from glyphsr_cli.app import app

from ..conftest import draw_word
from ..images.test_reader import PNG
from .conftest import load, names


def test_one_picture_lands_beside_itself_twice_as_large(run, picture):
    before = picture.read_bytes()
    result = run(picture)
    assert (result.exit_code, result.stderr) == (0, "")
    out = picture.with_name("word_x2.png")
    assert result.stdout.strip() == str(out)
    assert load(out).size == tuple(2 * n for n in load(picture).size)
    assert picture.read_bytes() == before
    assert names(picture.parent) == ["word.png", "word_x2.png"]


@pytest.mark.parametrize(
    ("arguments", "size"),
    [(["--scale", "3"], (3.0, 3.0)), (["--height", "60"], (3.0, 3.0)), (["--scale", "0.5"], (0.5, 0.5))],
)
def test_sizes(run, picture, tmp_path, arguments, size):
    assert run(picture, "-o", tmp_path / "o.png", *arguments).exit_code == 0
    source = load(picture).size
    assert load(tmp_path / "o.png").size == (round(source[0] * size[0]), round(source[1] * size[1]))


def test_the_default_name_says_the_factor(run, picture):
    assert run(picture, "--scale", "1.5").stdout.strip().endswith("word_x1.5.png")
    assert run(picture, "--width", "99", "--ext", "webp").stdout.strip().endswith("word_99x.webp")
    assert run(picture, "--suffix", "_big").stdout.strip().endswith("word_big.png")


def test_a_folder_is_mirrored_and_finished_work_is_skipped(run, folder, tmp_path):
    out = tmp_path / "out"
    first = run(folder, "-r", "-o", out)
    assert first.exit_code == 0
    assert names(out) == ["a.png", "b.png", "deep/c.png"]
    (out / "a.png").unlink()
    stamp = (out / "b.png").stat().st_mtime_ns
    second = run(folder, "-r", "-o", out)
    assert "1 improved, 2 skipped" in second.stderr
    assert second.stdout.split() == [str(out / "a.png")]
    assert (out / "b.png").stat().st_mtime_ns == stamp
    assert "3 skipped" in run(folder, "-r", "-o", out).stderr
    assert "3 skipped" in run(folder, "-r", "-o", out, "--overwrite").stderr  # they are what would come out
    assert "3 improved" in run(folder, "-r", "-o", out, "--overwrite", "--strength", 0.5).stderr


def test_a_second_run_beside_the_inputs_does_not_upscale_its_own_results(run, folder):
    assert run(folder).exit_code == 0
    assert names(folder) == ["a.png", "a_x2.png", "b.jpg", "b_x2.png", "deep/c.png", "notes.txt"]
    assert "2 skipped" in run(folder).stderr
    assert len(names(folder)) == 6


def test_globs_several_files_and_the_input_alias(run, folder, tmp_path):
    assert run(folder / "*.png", folder / "b.jpg", "-o", tmp_path / "o").exit_code == 0
    assert names(tmp_path / "o") == ["a.png", "b.png"]
    assert run("-i", folder / "a.png", "-o", tmp_path / "p.png").exit_code == 0


def test_two_sources_of_one_name_both_survive(run, folder, tmp_path):
    Image.fromarray(draw_word("x", 16)).save(folder / "a.jpg")
    assert run(folder, "-o", tmp_path / "o").exit_code == 0
    assert names(tmp_path / "o") == ["a_jpg.png", "a_png.png", "b.png"]


def test_streams(run, picture, tiny_weights):
    result = run("-", "-o", "-", stdin=picture.read_bytes())
    assert result.exit_code == 0
    image = load(io.BytesIO(result.stdout_bytes))
    assert image.size == tuple(2 * n for n in load(picture).size)
    assert load(io.BytesIO(run("-", stdin=picture.read_bytes()).stdout_bytes)).size == image.size
    assert load(io.BytesIO(run(picture, "-o", "-", "--ext", "jpg").stdout_bytes)).format == "JPEG"


@pytest.mark.parametrize("suffix", ["json", "jsonl", "csv"])
def test_reports(run, folder, tmp_path, suffix):
    (folder / "broken.png").write_bytes(PNG[:60])
    report = tmp_path / f"report.{suffix}"
    assert run(folder, "-o", tmp_path / "o", "--report", report).exit_code == 3
    text = report.read_text()
    if suffix == "json":
        document = json.loads(text)
        assert (document["schema_version"], document["done"], document["failed"]) == (1, 2, 1)
        rows = document["pictures"]
    elif suffix == "jsonl":
        rows = [json.loads(line) for line in text.splitlines()]
    else:
        rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["status"] for row in rows] == ["done", "done", "failed"]
    assert "damaged" in rows[2]["error"]
    assert float(rows[0]["mean_change"]) > 0
    assert rows[0]["method"] == "network"


def test_json_on_stdout_is_one_document(run, picture):
    result = run(picture, "--json")
    document = json.loads(result.stdout)
    assert document["pictures"][0]["output_height"] == 40
    assert document["config"]["scale"] is None
    assert run(picture, "-o", "-", "--json").exit_code == 2


def test_compare_writes_both_one_above_the_other(run, picture):
    assert run(picture, "--compare").exit_code == 0
    panel = load(picture.with_name("word_x2_compare.png"))
    assert panel.height == 2 * (40 + 18)


def test_settings_from_file_and_set(run, picture, tmp_path):
    settings = tmp_path / "s.yaml"
    settings.write_text("scale: 3.0\nstrength: 0.0\n")
    assert run(picture, "--config", settings, "--set", "ext=webp", "--strength", "1").exit_code == 0
    assert load(picture.with_name("word_x3.webp")).height == 60


def test_results_of_earlier_runs_are_no_inputs(run, folder, tmp_path):
    inside = folder / "out"
    for arguments in (
        ["--compare"],
        ["--scale", "3"],
        ["--ext", "jpg"],
        ["-r", "-o", inside],
        ["-o", folder, "--suffix", "_b"],
    ):
        assert run(folder, *arguments).exit_code == 0
        again = run(folder, *arguments)
        assert again.exit_code == 0
        assert "done" not in again.stderr, (arguments, again.stderr)
    stems = [name.rsplit("/", 1)[-1] for name in names(folder)]
    assert not any(stem.count("_x") > 1 or stem.count("_b") > 1 for stem in stems)


def test_stems_of_different_folders_do_not_clash_beside_their_inputs(run, folder):
    Image.fromarray(draw_word("x", 16)).save(folder / "deep" / "a.png")
    assert run(folder / "a.png", folder / "deep" / "a.png").exit_code == 0
    assert (folder / "a_x2.png").is_file()
    assert (folder / "deep" / "a_x2.png").is_file()


def test_names_that_are_no_utf8_are_written_and_reported(run, tmp_path):
    name = b"caf\xe9.png".decode("utf-8", "surrogateescape")
    Image.fromarray(draw_word("x", 16)).save(tmp_path / name)
    report = tmp_path / "r.csv"
    result = run(tmp_path / name, "--report", report)
    assert result.exit_code == 0
    assert b"caf\xe9_x2.png" in report.read_bytes()


def test_a_size_flag_replaces_sizes_from_elsewhere(run, picture, monkeypatch):
    monkeypatch.setenv("GLYPHSR_SCALE", "3")
    assert run(picture, "--width", "99").exit_code == 0
    monkeypatch.setenv("GLYPHSR_SCLAE", "3")
    with pytest.warns(UserWarning, match="did you mean 'GLYPHSR_SCALE'"):
        assert run(picture, "--overwrite", "--scale", "2").exit_code == 0


def test_further_frames_are_noted(run, tmp_path):
    frames = [Image.fromarray(draw_word(text, 20)) for text in ("one", "two")]
    frames[0].save(tmp_path / "f.gif", save_all=True, append_images=frames[1:])
    assert "only the first of 2 frames" in run(tmp_path / "f.gif").stderr


def test_a_long_line_passes_through_windows(run, tmp_path):
    Image.fromarray(draw_word("a long line of text " * 6, 16)).save(tmp_path / "long.png")
    result = run(tmp_path / "long.png", "--json", "-v")
    assert json.loads(result.stdout)["pictures"][0]["windows"] > 3
    assert "prior reads" in result.stderr


def test_a_sixteen_bit_gray_tiff_stays_one(run, tmp_path):
    pixels = draw_word("sixteen", 20)[..., 0].astype(np.uint16) * 257
    Image.fromarray(pixels).save(tmp_path / "s.tif")
    assert run(tmp_path / "s.tif", "--ext", "tif").exit_code == 0
    assert load(tmp_path / "s_x2.tif").mode == "I;16"


def test_transparency_and_depth_that_a_format_cannot_hold_are_noted(run, tmp_path):
    Image.fromarray(np.dstack([draw_word("A", 20), draw_word("A", 20)[..., 0]])).save(tmp_path / "a.png")
    assert "laid over white" in run(tmp_path / "a.png", "--ext", "jpg").stderr
    assert run(tmp_path / "a.png").stderr == ""
    assert load(tmp_path / "a_x2.png").mode == "RGBA"


def test_interrupting_a_folder_run_leaves_whole_files_only(folder, tmp_path, tiny_weights, monkeypatch):
    from glyphsr.upscaling import files as module

    def interrupted(self, chunk, pool):
        raise KeyboardInterrupt

    monkeypatch.setattr(module.FileRun, "_run_chunk", interrupted)  # stands in for the user's Ctrl-C
    result = CliRunner().invoke(app, ["upscale", str(folder), "-o", str(tmp_path / "o"), "-w", str(tiny_weights)])
    assert result.exit_code == 130
    assert "continues from there" in result.stderr
    assert not (tmp_path / "o").exists()


@pytest.mark.process
def test_the_bundled_weights_run_in_a_real_process(picture):
    done = subprocess.run(
        [sys.executable, "-m", "glyphsr_cli", "upscale", str(picture), "--device", "cpu"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip() == str(picture.with_name("word_x2.png"))


def test_the_guard_tells_and_reports(picture, tmp_path):
    reader = ("--guard-reader", "crnn-synth", "--device", "cpu")
    report = tmp_path / "report.json"
    result = CliRunner().invoke(app, ["upscale", str(picture), "--text", "HOTEL", *reader, "--report", str(report)])
    assert result.exit_code == 0, result.stderr
    assert "not the given 'HOTEL'" in result.stderr
    row = json.loads(report.read_text())["pictures"][0]
    assert (row["guard"], row["guard_reader"]) == ("warned", "crnn-synth")
    assert 0 < row["read_before_confidence"] <= 1
    assert row["guard_ms"] > 0
    quiet = CliRunner().invoke(
        app, ["upscale", str(picture), "-o", str(tmp_path / "b.png"), "--guard", "revert", *reader]
    )
    assert quiet.exit_code == 0
    assert "warning" not in quiet.stderr
    wrong = CliRunner().invoke(app, ["upscale", str(picture), "--guard", "perhaps"])
    assert wrong.exit_code == 2
