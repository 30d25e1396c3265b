"""What ``glyphsr upscale`` refuses, and what it leaves alone: one line each, and the exit code."""

import pytest
from PIL import Image

from ..conftest import draw_word
from ..images.test_reader import JPEG, PNG, header_bomb
from .conftest import load, names

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
    assert "would become 1200 x 1200 pixels; at most 1,000,000 are made" in result.stderr
    assert "give --scale 3.33, or set GLYPHSR_MAX_PICTURE_PIXELS=1440000" in result.stderr
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


def test_an_existing_report_is_left_alone(run, picture, tmp_path):
    (tmp_path / "r.json").write_text("mine")
    assert run(picture, "--report", tmp_path / "r.json").exit_code == 2
    assert (tmp_path / "r.json").read_text() == "mine"
    assert names(tmp_path) == ["r.json", "word.png"]
