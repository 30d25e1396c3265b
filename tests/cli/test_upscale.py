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
from ..images.test_reader import JPEG, PNG, header_bomb


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


BAD_FILES = {
    "truncated.png": (PNG[: len(PNG) // 2], "damaged picture"),
    "truncated.jpg": (JPEG[: len(JPEG) // 2], "damaged picture"),
    "empty.png": (b"", "the file is empty"),
    "text.png": (b"I am a text file", "not a readable picture"),
    "bomb.png": (header_bomb(), "at most 64,000,000"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_alone_is_one_line_and_exit_1(run, tmp_path, name):
    content, message = BAD_FILES[name]
    (tmp_path / name).write_bytes(content)
    result = run(tmp_path / name)
    assert (result.exit_code, result.stdout) == (1, "")
    assert len(result.stderr.splitlines()) == 1
    assert name in result.stderr
    assert message in result.stderr
    assert names(tmp_path) == [name]


def test_bad_files_among_good_ones_are_listed_and_the_rest_is_done(run, folder, tmp_path):
    for name, (content, _) in BAD_FILES.items():
        (folder / name).write_bytes(content)
    result = run(folder, "-o", tmp_path / "o")
    assert result.exit_code == 3
    assert names(tmp_path / "o") == ["a.png", "b.png"]
    assert all(name in result.stderr for name in BAD_FILES)
    assert "2 improved, 5 failed" in result.stderr


@pytest.mark.parametrize("size", [(1, 1), (3, 4000), (4000, 3)])
def test_pictures_too_small_for_text_are_enlarged_with_a_note(run, tmp_path, size):
    Image.new("RGB", size, (200, 10, 10)).save(tmp_path / "s.png")
    result = run(tmp_path / "s.png")
    assert result.exit_code == 0
    assert "too small to hold text" in result.stderr
    out = load(tmp_path / "s_x2.png")
    assert out.size == (2 * size[0], 2 * size[1])
    assert out.getpixel((0, 0)) == (200, 10, 10)


def test_a_result_too_large_is_refused(run, tmp_path, monkeypatch):
    monkeypatch.setenv("GLYPHSR_MAX_PICTURE_PIXELS", "1000000")  # the real limit needs a real 64 MP
    Image.new("RGB", (300, 300)).save(tmp_path / "big.png")
    result = run(tmp_path / "big.png", "--scale", "4")
    assert result.exit_code == 1
    assert "would become 1200 x 1200 pixels, at most 1,000,000 are made; give --scale 3.33" in result.stderr
    assert names(tmp_path) == ["big.png"]


def test_a_missing_file_is_named(run, tmp_path):
    result = run(tmp_path / "no.png")
    assert result.exit_code == 4
    assert result.stderr.strip().lower().startswith(f"error: {tmp_path / 'no.png'}: no such file".lower())


def test_a_folder_without_pictures(run, tmp_path):
    (tmp_path / "deep").mkdir()
    Image.fromarray(draw_word("x", 16)).save(tmp_path / "deep" / "x.png")
    result = run(tmp_path)
    assert result.exit_code == 4
    assert "no pictures" in result.stderr
    assert "--recursive" in result.stderr
    assert run(tmp_path / "*.png").exit_code == 4


def test_an_unreadable_file_is_named_whoever_asks(run, picture, monkeypatch):
    def refuse(path, *flags):
        raise PermissionError(13, "Permission denied")

    # Stands in for the file system; root may read any file.
    monkeypatch.setattr("glyphsr.safe_reading.content.os.open", refuse)
    result = run(picture)
    assert result.exit_code == 1
    assert f"{picture}: Permission denied" in result.stderr


def test_an_existing_output_is_left_alone(run, picture, tmp_path):
    out = tmp_path / "out.png"
    out.write_bytes(b"mine")
    result = run(picture, "-o", out)
    assert result.exit_code == 2
    assert "exists already; --overwrite" in result.stderr
    assert out.read_bytes() == b"mine"
    assert run(picture, "-o", out, "--overwrite").exit_code == 0


def test_an_output_folder_that_is_a_file(run, folder, tmp_path):
    (tmp_path / "o").write_text("file")
    result = run(folder, "-o", tmp_path / "o")
    assert result.exit_code == 2
    assert "is a file" in result.stderr
    nested = run(folder / "a.png", "-o", tmp_path / "o" / "x.png")
    assert nested.exit_code == 1
    assert "cannot write" in nested.stderr


@pytest.mark.parametrize("arguments", [["-o", "out.xyz"], ["--ext", "xyz"]])
def test_an_unknown_extension(run, picture, monkeypatch, arguments):
    monkeypatch.chdir(picture.parent)
    result = run(picture, *arguments)
    assert result.exit_code == 2
    assert ".xyz: not a picture format we write" in result.stderr
    assert names(picture.parent) == ["word.png"]


def test_input_and_output_may_not_be_the_same(run, picture):
    before = picture.read_bytes()
    result = run(picture, "-o", picture, "--overwrite")
    assert result.exit_code == 2
    assert "inputs are never modified" in result.stderr
    assert picture.read_bytes() == before


@pytest.mark.parametrize("content", [b"\x80\x04N.", b"", b"text"], ids=["pickle", "empty", "text"])
def test_a_wrong_checkpoint_is_exit_4(run, picture, tmp_path, content):
    for name in ("w.safetensors", "w.pth"):
        (tmp_path / name).write_bytes(content)
        result = run(picture, "--weights", tmp_path / name)
        assert (result.exit_code, len(result.stderr.splitlines())) == (4, 1)
        assert name in result.stderr
    assert names(tmp_path) == ["w.pth", "w.safetensors", "word.png"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "at least one file"),
        (["x.png", "--scale", "2", "--width", "30"], "not both"),
        (["x.png", "--scale", "0"], "scale: input should be greater than 0"),
        (["x.png", "--strength", "1.2"], "strength"),
        (["x.png", "--batch-size", "some"], "batch_size"),
        (["x.png", "--device", "tpu"], "tpu"),
        (["x.png", "--report", "r.txt"], "ending in .json"),
        (["x.png", "--report", "no/where/r.json"], "does not exist"),
        (["x.png", "--set", "scael=3"], "did you mean 'scale'"),
        (["x.png", "--mode", "book"], "mode"),
        (["x.png", "y.png", "-o", "-"], "stdout takes one picture"),
        (["-", "x.png"], "needs --out FOLDER"),
        (["x.png", "y.png", "-o", "o.png"], "names a picture"),
        (["x.png", "--suffix", "/q"], "without slashes"),
        ([""], "empty name"),
    ],
)
def test_usage_errors_are_exit_2(run, arguments, message):
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in " ".join(result.stderr.split())


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


def test_no_input_is_ever_written_to(run, folder, tmp_path):
    Image.fromarray(draw_word("x", 16)).save(folder / "a_compare.png")
    before = {path: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    for arguments in (
        [folder / "a_compare.png", "-o", folder / "a.png", "--compare", "--overwrite"],
        [folder / "a.png", folder / "b.jpg", "-o", folder, "--overwrite"],
        [folder / "a.png", "-o", folder / "a.png", "--overwrite"],
    ):
        result = run(*arguments)
        assert result.exit_code == 2
        assert "inputs are never modified" in result.stderr
    assert {path: path.read_bytes() for path in before} == before


def test_a_foreign_comparison_picture_is_left_alone(run, picture):
    panel = picture.with_name("word_x2_compare.png")
    panel.write_bytes(b"mine")
    assert run(picture, "--compare").exit_code == 2
    assert panel.read_bytes() == b"mine"


def test_a_bad_input_beside_good_ones_is_listed(run, folder, tmp_path):
    result = run(folder / "a.png", tmp_path / "none*.png", "n" * 300 + ".png", "-o", tmp_path / "o")
    assert result.exit_code == 3
    assert "matches no pictures" in result.stderr
    assert "File name too long" in result.stderr
    assert names(tmp_path / "o") == ["a.png"]


def test_stems_of_different_folders_do_not_clash_beside_their_inputs(run, folder):
    Image.fromarray(draw_word("x", 16)).save(folder / "deep" / "a.png")
    assert run(folder / "a.png", folder / "deep" / "a.png").exit_code == 0
    assert (folder / "a_x2.png").is_file()
    assert (folder / "deep" / "a_x2.png").is_file()


def test_a_named_result_of_stdin_that_exists_is_left_alone(run, picture, tmp_path):
    out = tmp_path / "out.png"
    out.write_bytes(b"mine")
    assert run("-", "-o", out, stdin=picture.read_bytes()).exit_code == 2


def test_a_result_its_format_cannot_hold_fails_alone(run, folder, tmp_path):
    Image.new("RGB", (8300, 8), "white").save(folder / "wide.png")
    result = run(folder, "-o", tmp_path / "o", "--ext", "webp")
    assert result.exit_code == 3
    assert "WEBP takes at most 16383 a side" in result.stderr
    assert names(tmp_path / "o") == ["a.webp", "b.webp"]


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


def test_an_existing_report_is_left_alone(run, picture, tmp_path):
    (tmp_path / "r.json").write_text("mine")
    assert run(picture, "--report", tmp_path / "r.json").exit_code == 2
    assert (tmp_path / "r.json").read_text() == "mine"
    assert names(tmp_path) == ["r.json", "word.png"]


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
