import json

import pytest
import torch
from typer.testing import CliRunner

from glyphsr.data.glyph_lmdb import GlyphLmdb
from glyphsr.data.sources import SAMPLE_ROOT
from glyphsr_cli.app import app

from ..helpers.drawn_words import tiny_sam
from ..helpers.lmdb import changed

runner = CliRunner()


@pytest.fixture(autouse=True)
def fresh_machine(tmp_path, monkeypatch):
    for name in ("GLYPHSR_DATA", "RANK", "WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GLYPHSR_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


def run(*arguments):
    return runner.invoke(app, ["extract", *(str(argument) for argument in arguments)])


def test_a_fresh_machine_extracts_the_sample_set_and_says_how(tmp_path):
    result = run("--lmdb", "easy", "--workers", 1, "--preview", 4)
    assert result.exit_code == 0, result.stderr
    assert result.stdout == "easy-glyphs\n"
    for part in ("small sample set", "no checkpoint of SAM", "no telescope weights", "12, 12 with masks", "images/s"):
        assert part in result.stderr
    assert "\x1b" not in result.stderr
    assert (tmp_path / "easy-glyphs-preview.png").is_file()
    again = run("--lmdb", "easy", "--workers", 1)
    assert again.exit_code == 0
    assert "nothing was left to do" in again.stderr


def test_several_sets_in_one_command(tiny_lmdb, tmp_path):
    two = ("--lmdb", "easy", "medium", "--lmdb", "easy", "--workers", 1, "--limit", 2)
    result = run(*two)
    assert result.exit_code == 0, result.stderr
    assert result.stdout == "easy-glyphs\nmedium-glyphs\n"
    refused = run(*two, "-o", tmp_path / "g")
    assert (refused.exit_code, "name one of them" in refused.stderr) == (2, True)
    assert run().exit_code == 2


def test_masks_of_two_sets_never_go_to_one_place():
    refused = run("--lmdb", "easy", "--lmdb", str(SAMPLE_ROOT / "test" / "medium" / ".." / "easy"), "--workers", 1)
    assert refused.exit_code == 2
    assert "several sets would go to" in refused.stderr


def test_json_is_one_document_on_stdout(tiny_lmdb, tmp_path):
    result = run("--lmdb", tiny_lmdb, "-o", tmp_path / "g", "--workers", 1, "--json", "-q")
    assert result.exit_code == 0
    assert result.stderr == ""
    document = json.loads(result.stdout)
    assert (document["schema_version"], document["command"], document["problems"]) == (1, "extract", [])
    (report,) = document["sets"]
    assert (report["words"], report["complete"], report["segmenter"]) == (4, True, {"name": "ink"})


def test_flags_reach_the_manifest(tiny_lmdb, tmp_path):
    flags = ["--profile", "robust", "--steps", "1,3.5", "--threshold", "0.6", "--set", "frame=paper"]
    result = run("--lmdb", tiny_lmdb, "-o", tmp_path / "g", "--workers", 1, *flags)
    assert result.exit_code == 0, result.stderr
    parameters = GlyphLmdb(tmp_path / "g").manifest()["parameters"]
    assert (parameters["steps"], parameters["threshold"], parameters["frame"]) == ([1.0, 3.5], 0.6, "paper")
    assert (parameters["anchors"], parameters["rule"], parameters["refine"]) == ("ink", "guarded", "intersect")


def test_sam_runs_from_a_published_file(tiny_lmdb, tmp_path):
    torch.save(tiny_sam().state_dict(), tmp_path / "sam.pth")
    flags = ["--segmenter", "sam", "--sam-checkpoint", tmp_path / "sam.pth", "--limit", 1, "--workers", 1]
    result = run("--lmdb", tiny_lmdb, "-o", tmp_path / "g", *flags)
    assert result.exit_code == 0, result.stderr
    assert "sam, sam.pth" in result.stderr


def test_our_own_recognizer_stands_in_for_the_papers_and_is_named(tiny_lmdb, tmp_path):
    result = run("--lmdb", tiny_lmdb, "-o", tmp_path / "g", "--localizer", "checked", "--limit", 1, "--workers", 1)
    assert result.exit_code == 0, result.stderr
    assert "crnn-synth" in result.stderr
    assert GlyphLmdb(tmp_path / "g").manifest()["localizer"]["weights"] == "crnn-synth.safetensors"


@pytest.mark.parametrize(
    ("flags", "code", "message"),
    [
        (["--lmdb", "nowhere/train"], 4, "no LMDB here"),
        (["--lmdb", "easy", "--segmenter", "sam"], 4, "no SAM checkpoint here"),
        (["--lmdb", "easy", "--localizer", "attention", "--recognizer", "telescop"], 4, "did you mean 'telescope'?"),
        (["--lmdb", "easy", "--shard", "3/2"], 2, "--shard 3/2: expected I/N"),
        (["--lmdb", "easy", "--shard", "²/²"], 2, "expected I/N"),
        (["--lmdb", "easy", "--shard", "9" * 5000 + "/1"], 2, "expected I/N"),
        (["--lmdb", "easy", "--steps", "two"], 2, "steps.0: input should be a valid number, got the text 'two'"),
        (["--lmdb", "easy", "--threshold", "7"], 2, "threshold: input should be less than or equal to 1"),
        (["--lmdb", "easy", "--set", "key_points.head=max"], 2, "did you mean 'heads'?"),
        (["--lmdb", "easy", "--workers", "0"], 2, "workers"),
        (["--lmdb", "easy", "--sam-layout", "quilt"], 2, "quilt"),
    ],
)
def test_mistakes_are_one_line_and_the_documented_code(flags, code, message):
    result = run(*flags)
    assert result.exit_code == code, result.stderr
    assert result.stdout == ""
    assert message in " ".join(result.stderr.split())


def test_words_that_cannot_be_read_are_listed_with_exit_code_3(tiny_lmdb, tmp_path):
    path = changed(tiny_lmdb, tmp_path / "train", {b"image_hr-000000002": b"no picture"})
    for flags in ([], ["-v"]):
        result = run("--lmdb", path, "-o", tmp_path / f"g{len(flags)}", "--workers", 1, *flags)
        assert result.exit_code == 3
        assert result.stderr.count("image_hr-000000002: not a readable picture") == 1
        assert "4, 3 with masks" in result.stderr


def test_other_parameters_are_refused_with_exit_code_2(tiny_lmdb, tmp_path):
    run("--lmdb", tiny_lmdb, "-o", tmp_path / "g", "--workers", 1)
    result = run("--lmdb", tiny_lmdb, "-o", tmp_path / "g", "--workers", 1, "--threshold", 0.5)
    assert result.exit_code == 2
    assert "parameters.threshold is 0.8 there, 0.5 here; --overwrite" in result.stderr


def test_a_shard_says_what_is_missing(tmp_path, monkeypatch):
    from glyphsr.extraction import dataset_run

    monkeypatch.setattr(dataset_run, "INK_CHUNK", 4)
    result = run("--lmdb", "easy", "--workers", 1, "--shard", "1/3")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "2 chunks; the last shard" in result.stderr


def test_a_name_of_two_parts_takes_no_single_place(tiny_lmdb, tmp_path):
    import shutil

    for name in ("train1", "train2"):
        shutil.copytree(tiny_lmdb, tmp_path / "root" / name)
    both = run("--lmdb", "train", "--data-root", tmp_path / "root", "--workers", 1)
    assert both.stdout.split() == [str(tmp_path / "root" / f"{name}-glyphs") for name in ("train1", "train2")]
    result = run("--lmdb", "train", "--data-root", tmp_path / "root", "-o", tmp_path / "one")
    assert result.exit_code == 2
    assert "train1 and train2" in result.stderr
