import json

import pytest
from typer.testing import CliRunner

from glyphsr.evaluation.paper_tables import ROWS, TABLES
from glyphsr.models.unsupported import NOT_BUILT
from glyphsr.reproduction.report import Line, Reproduction, SeedScore, as_latex, rows_of
from glyphsr.reproduction.runs import runs_of, train_missing
from glyphsr_cli.app import app

from ..conftest import ROOT

runner = CliRunner()
SMALL = [
    *("model.network.width=8", "model.network.prior_width=8", "model.network.prior_hidden=[8,8,8]"),
    *("model.network.gpm.width=8", "model.prior={kind: crnn, width: 4, hidden: 8}", "prior_weights=null"),
    *("loss.text_focus=0", "validation.select_by=psnr", "data.held_out=0.05"),
]
"""Of every row, so that a run takes a second."""


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("GLYPHSR_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("GLYPHSR_DATA", raising=False)
    monkeypatch.chdir(tmp_path)


def run(*arguments, settings=SMALL):
    sets = [part for text in settings for part in ("--set", text)]
    base = [
        "--configs",
        str(ROOT / "configs"),
        "--split",
        "easy",
        "-R",
        "crnn-light-synth",
        "--offline",
        "--workers",
        "0",
    ]
    return runner.invoke(app, ["reproduce", *map(str, arguments), *base, *sets])


def test_a_table_is_trained_scored_and_found_again(tmp_path):
    result = run("table4", "--train", "--smoke", "--json")
    assert result.exit_code == 0, result.stderr
    document = json.loads(result.stdout)
    assert [row["id"] for row in document["rows"]] == ["table4/ngly3", "table4/ngly4", "table4/ngly5"]
    assert all(len(row["scores"]) == 1 and not row["missing"] for row in document["rows"])
    assert document["rows"][1]["paper"]["accuracy"] == {"crnn": [None, None, None, 62.09]}
    assert document["comparable"] is False
    folder = tmp_path / "runs" / "reproduce" / "table4-ngly3" / "smoke-1234"
    assert (folder / "scores.json").is_file()
    before = (folder / "scores.json").stat().st_mtime_ns
    again = run("table4", "--smoke", "--format", "latex")
    assert again.exit_code == 0
    assert "\\begin{tabular}" in again.stdout
    assert (folder / "scores.json").stat().st_mtime_ns == before


@pytest.mark.parametrize(("table", "rows"), [("table2", 4), ("appendix-b", 3)])
def test_other_tables_run_too(table, rows):
    result = run(table, "--train", "--smoke", "--json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)["rows"]
    assert [len(row["scores"]) for row in found] == [1] * rows


def test_a_row_that_is_trained_in_two_parts_begins_from_its_first(tmp_path, monkeypatch):
    settings = {"out": tmp_path, "seeds": 2, "sets": (), "configs": ROOT / "configs", "smoke": False}
    runs = [run for run in runs_of(TABLES["table1"], **settings) if run.row == "table1/pean"]
    assert [run.first.config.seed for run in runs] == [run.seed for run in runs] == [1234, 1235]
    assert runs[0].config.network_weights == str(tmp_path / "pean" / "seed-1234" / "checkpoints" / "best.safetensors")
    trained = []
    monkeypatch.setattr("glyphsr.training.train.train", lambda config, *, out, **_: trained.append(out))
    train_missing(runs, lambda _: None)
    names = [str(folder.relative_to(tmp_path)) for folder in trained]
    assert names == ["pean/seed-1234", "pean-enhanced/seed-1234", "pean/seed-1235", "pean-enhanced/seed-1235"]


def test_the_first_table_names_what_nobody_gave():
    result = run("table1", "--smoke", "--json", settings=[])
    assert result.exit_code == 0, result.stderr
    rows = {row["id"]: row for row in json.loads(result.stdout)["rows"]}
    assert len(rows) == 13
    assert len(rows["table1/bicubic"]["scores"]) == 1
    assert rows["table1/tg"]["missing"] == ["seed 1234: not trained", "no weights; give some with -w tg=FILE"]
    assert rows["table1/dpmn"]["missing"] == [f"not built: {NOT_BUILT['dpmn']}"]


def test_what_is_not_trained_is_named_and_an_unknown_setting_is_one_line():
    result = run("appendix-b", "--smoke", "--format", "md")
    assert result.exit_code == 0, result.stderr
    assert result.stderr.count("not trained") == 3
    wrong = run("table2", "--set", "model.network.wdith=8")
    assert wrong.exit_code == 2
    assert "wdith" in wrong.stderr


def test_means_and_deviations_stand_above_the_papers_row():
    scores = tuple(
        SeedScore(seed, None, None, {"crnn": (70.0, 60.0, 50.0, 60.0 + seed)}, 20.0, 0.75) for seed in (1, 3)
    )
    line = Line("table2/no-gfm", "w/o GFM", scores, ROWS["table2/no-gfm"])
    names = ("easy", "medium", "hard")
    found = Reproduction("table2", "T", names, ("crnn",), {"crnn": "crnn"}, (line,), "easy 1", None)
    ours, paper = rows_of(found)
    assert ours[:5] == ("w/o GFM", "70.00 ± 0.00", "60.00 ± 0.00", "50.00 ± 0.00", "62.00 ± 1.41")
    assert paper[1:7] == ("70.78", "62.08", "48.10", "61.01", "21.33", "0.7819")
    assert r"62.00 $\pm$ 1.41" in as_latex(found)


def test_masks_are_compared_with_exact_ones():
    result = runner.invoke(app, ["reproduce", "appendix-a", "--smoke", "--json"])
    assert result.exit_code == 0, result.stderr
    rows = {row["source"]: row for row in json.loads(result.stdout)["rows"]}
    assert set(rows) == {"kmeans", "ink"}
    assert 0.3 < rows["ink"]["char_iou"] <= 1.0
