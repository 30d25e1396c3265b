import json
import re
from dataclasses import replace

import pytest
import torch
from typer.testing import CliRunner

from glyphsr.config.recognizers import ASTERConfig
from glyphsr.data.lmdb_writer import write_pairs
from glyphsr.evaluation.paper_results import TEXTZOOM_COUNTS, paper_rows, why_not_comparable
from glyphsr.recognizers.aster.network import ASTER
from glyphsr.recognizers.aster.official_keys import key_table
from glyphsr_cli import evaluation_tables, tables
from glyphsr_cli.app import app

runner = CliRunner()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GLYPHSR_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("GLYPHSR_DATA", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def root(tmp_path, words):
    for name in ("easy", "medium", "hard"):
        write_pairs(tmp_path / "root" / "test" / name, words[:2])
    return tmp_path / "root"


def run(*arguments):
    return runner.invoke(app, [str(argument) for argument in arguments])


def test_a_fresh_machine_scores_the_sample_set_and_says_so(tiny_weights):
    result = run("eval", "-w", tiny_weights, "--device", "cpu", "--bootstrap", 20)
    assert result.exit_code == 0, result.stderr
    assert "small sample set" in result.stderr
    assert "crnn-synth reads, % of words" in result.stdout
    for part in ("easy 12, medium 12, hard 12", "weighted", "plain", "protocol", "paper", "strength 0.5"):
        assert part in result.stdout
    assert "\x1b" not in result.stdout  # no terminal


def test_json_is_one_document_on_stdout(root, tiny_weights, tmp_path):
    result = run("eval", "--data-root", root, "-w", tiny_weights, "--json", "--per-image", tmp_path / "i.jsonl")
    document = json.loads(result.stdout)
    assert document["command"] == "eval"
    assert document["protocol"] == "paper"
    assert document["averaging"].keys() == {"weighted", "plain"}
    assert len((tmp_path / "i.jsonl").read_text().splitlines()) == 18
    assert "sample set" not in result.stderr


@pytest.mark.parametrize(("form", "start"), [("csv", "row,judge,metric"), ("md", "**crnn-synth reads")])
def test_other_forms_on_request_and_as_files(root, form, start, tmp_path):
    result = run(
        "eval", "--data-root", root, "-w", "none", "-f", form, "-o", tmp_path / f"r.{form}", "--split", "easy,hard"
    )
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith(start)
    assert (tmp_path / f"r.{form}").read_text() == result.stdout
    again = run("eval", "--data-root", root, "-w", "none", "-o", tmp_path / f"r.{form}")
    assert again.exit_code == 2
    assert "exists already" in again.stderr


def test_a_judge_without_weights_is_one_line_and_exit_code_4(root):
    result = run("eval", "--data-root", root, "--recognizer", "telescope")
    assert (result.exit_code, result.stdout) == (4, "")
    assert len(result.stderr.splitlines()) == 1
    assert "the authors publish pretrain_transformer.pth at https://github.com/FudanVI/FudanOCR" in result.stderr
    assert "glyphsr models convert pretrain_transformer.pth --as telescope" in result.stderr


def test_a_converted_judge_runs(root, tmp_path):
    torch.manual_seed(0)
    table = key_table(ASTERConfig())
    state = {table.published(key): value for key, value in ASTER().state_dict().items()}
    torch.save({"state_dict": state, "epoch": 1}, tmp_path / "demo.pth.tar")
    converted = run("models", "convert", tmp_path / "demo.pth.tar", "--as", "aster")
    assert converted.exit_code == 0, converted.stderr
    result = run("eval", "--data-root", root, "-R", "aster", "-w", "none", "--split", "easy", "--bootstrap", 0)
    assert result.exit_code == 0, result.stderr
    assert "aster reads" in result.stdout
    assert run("models", "path", "aster").stdout.strip().endswith("aster.safetensors")


def test_broken_samples_are_named_and_exit_code_3(root, words):
    write_pairs(root / "test" / "odd", [words[0], type(words[1])("x", words[1].hr, "", words[1].lr)])
    result = run("eval", "--data-root", root, "-w", "none", "--split", "odd")
    assert result.exit_code == 3
    assert "error: odd/000002: " in result.stderr
    assert "odd 1" in result.stdout


def test_the_gate_exits_with_5_and_says_why(root, tiny_weights):
    common = ("eval", "--data-root", root, "-w", tiny_weights, "--bootstrap", 0)
    assert run(*common, "--fail-under", 0).exit_code == 0
    result = run(*common, "--fail-under", 100.5)
    assert result.exit_code == 5
    assert "gate: tiny.safetensors reaches" in result.stderr


def test_a_failed_gate_is_said_beside_broken_samples(root, words):
    write_pairs(root / "test" / "odd", [words[0], type(words[1])("x", words[1].hr, "", words[1].lr)])
    result = run("eval", "--data-root", root, "-w", "none", "--split", "odd", "--fail-under", 101)
    assert result.exit_code == 5
    assert "gate: bicubic reaches" in result.stderr
    assert "error: odd/000002" in result.stderr


def test_narrow_terminals_lose_no_digit(root):
    import glyphsr
    from glyphsr_cli.tables import _fitting, _width

    report = glyphsr.evaluate(data_root=str(root), weights=("none",), recognizer=("crnn",))
    given = evaluation_tables.evaluation_tables(report)[0]
    assert _fitting(given, 200) == given
    turned = _fitting(given, 60)
    assert turned.columns == ("", "bicubic", "hr")
    assert _width(turned) <= 60
    assert _fitting(given, 20) is None


def test_every_figure_says_where_it_comes_from_whatever_the_form(root):
    plain = run("eval", "--data-root", root, "-w", "none", "-q", "-f", "md").stdout
    assert "crnn-synth is our own, trained on rendered words and IIIT5K" in plain
    assert str(root / "test") in plain
    lines = run("eval", "--data-root", root, "-w", "none", "-q", "-f", "csv").stdout.splitlines()
    assert "crnn-synth.safetensors" in lines[1]
    assert str(root / "test" / "easy") in lines[1]


def test_the_papers_rows_stand_beside_textzoom_only(root, tiny_weights):
    result = run("eval", "--data-root", root, "-w", "none", "--compare-paper")
    assert "paper:" not in result.stdout
    assert "not TextZoom (2/2/2 samples, TextZoom has 1619/1411/1343)" in result.stderr

    import glyphsr
    from glyphsr.evaluation.report import EvaluationReport

    report = glyphsr.evaluate(data_root=str(root), weights=("none",), recognizer=("crnn",), bootstrap=0)
    changes = {field: getattr(report, field) for field in report.__dataclass_fields__}
    parts = tuple(
        type(part)(part.name, part.paths, count) for part, count in zip(report.parts, TEXTZOOM_COUNTS, strict=True)
    )
    judge = type(report.judges[0])("crnn", "crnn.pth", "0" * 64, published="crnn", proof="calibrated")
    reading = tuple(type(s)(s.row, "crnn", s.accuracy, s.cer, s.similarity, s.images_per_s) for s in report.reading)
    textzoom = EvaluationReport(**changes | {"parts": parts, "judges": (judge,), "reading": reading})
    text = tables.as_plain(evaluation_tables.evaluation_tables(textzoom, compare_paper=True))
    assert re.search(r"paper: GlyphSR, Table 1 +71\.40 +64\.78 +48\.03 +62\.10", text)
    assert "paper: HR, Table 1" in text
    unproved = replace(textzoom, judges=(replace(judge, proof=None),))
    assert [line.name.endswith("(judge not proved)") for line in paper_rows(unproved, "crnn")] == [True] * 3
    assert "paper:" not in tables.as_plain(evaluation_tables.evaluation_tables(textzoom))
    for change in ({"protocol": "standard"}, {"judges": (replace(judge, published=None),)}, {"parts": parts[:2]}):
        assert why_not_comparable(replace(textzoom, **change))
        assert paper_rows(replace(textzoom, **change), "crnn") == []


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--recognizer", "astre"], 2, "expected crnn, ppocr"),
        (["--protocol", "papers"], 2, "protocol"),
        (["--weights", "compcat"], 4, "did you mean 'compact'"),
        (["--split", "nowhere"], 4, "nowhere: no such LMDB"),
        (["--split", "esy"], 4, "did you mean 'easy'?"),
        (["--out", "r.txt"], 2, ".json, .csv or .md"),
        (["--out", "no/r.md"], 2, "does not exist"),
        (["--per-image", "no/r.jsonl"], 2, "does not exist"),
        (["--set", "recogniser=crnn"], 2, "did you mean 'recognizer'"),
        (["--data-root", "nowhere"], 4, "no such LMDB under nowhere"),
    ],
)
def test_mistakes_are_one_line_with_their_exit_code(arguments, code, message):
    result = run("eval", *arguments)
    assert result.exit_code == code, result.stderr
    assert message in result.stderr
    assert len([line for line in result.stderr.splitlines() if "sample set" not in line]) == 1


def test_long_lists_of_problems_are_cut_and_counted(root, words):
    empty = [type(word)("x", word.hr, "", word.lr) for word in words]
    write_pairs(root / "test" / "odd", [words[0], *empty * 6])
    result = run("eval", "--data-root", root, "-w", "none", "--split", "odd", "--json")
    assert result.exit_code == 3
    assert "error: 4 more samples like these" in result.stderr
    assert len(json.loads(result.stdout)["problems"]) == 24
