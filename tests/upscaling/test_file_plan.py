"""Which names a run reads and writes, shared out and for many."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import glyphsr
from glyphsr.errors import ConfigError
from glyphsr.system.shards import shard_of
from glyphsr.upscaling.file_plan import plan_files
from glyphsr.upscaling.file_tasks import FileTask
from glyphsr.upscaling.output_naming import OutputNaming
from glyphsr.upscaling.prefetch import unit_ends
from glyphsr.upscaling.report import PictureReport
from glyphsr.upscaling.report_spool import ReportSpool

NAMING = OutputNaming(None, "png", "_x2")


def plan(*inputs, out=None, recursive=False, shard=(1, 1), naming=NAMING):
    names = [str(name) for name in inputs]
    return plan_files(names, None if out is None else str(out), naming, recursive=recursive, shard=shard)


@pytest.fixture
def tree(tmp_path):
    """Two hundred pictures, some of them below, and what is none."""
    for number in range(200):
        path = tmp_path / "in" / ("b" if number % 3 else "a.d") / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "in" / "b" / "notes.txt").touch()
    (tmp_path / "in" / "b" / ".hidden.png").touch()
    (tmp_path / "in" / "b" / "1_x2.png").touch()  # made of 1.png
    return tmp_path / "in"


def test_pictures_come_in_the_order_of_their_paths(tree):
    found = [task.source for task in plan(tree, recursive=True).tasks]
    assert found == sorted(found)
    assert len(found) == 200


@pytest.mark.parametrize("total", [2, 3, 7])
def test_shards_are_disjoint_complete_and_know_nothing_of_each_other(tree, tmp_path, total):
    whole = {(task.source, task.target) for task in plan(tree, out=tmp_path / "out", recursive=True).tasks}
    shards = []
    for number in range(1, total + 1):
        own = plan(tree, out=tmp_path / "out", recursive=True, shard=(number, total)).tasks
        shards.append({(task.source, task.target) for task in own})
        (tree / "b" / f"new-{number}.png").touch()  # comes while the others work
    known = [shard & whole for shard in shards]
    assert set.union(*known) == whole
    assert sum(map(len, known)) == len(whole)


def test_a_shard_goes_by_the_name_below_the_folder(tree, tmp_path, monkeypatch):
    """Machines may see the folder at different places."""
    (task,) = plan(tree / "b", out=tmp_path / "out", shard=(2, 60)).tasks[:1]
    assert shard_of(task.source.name, 60) == 2
    monkeypatch.chdir(tree / "b")
    assert plan(".", out=tmp_path / "out", shard=(2, 60)).tasks[0].source.name == task.source.name


def test_a_link_to_an_input_is_an_input(tree):
    (tree / "b" / "other_x2.png").symlink_to(tree / "b" / "2.png")
    (tree / "other.png").touch()
    with pytest.raises(ConfigError, match="is an input, and would be written to"):
        plan(tree / "b" / "2.png", tree / "other.png", out=tree / "b", naming=OutputNaming("_x2", "png", "_x2"))


def test_two_ways_to_one_result_are_refused(tree, tmp_path):
    (tmp_path / "again").symlink_to(tree / "b")
    with pytest.raises(ConfigError, match="several results would get this name"):
        plan(tree / "b" / "2.png", tmp_path / "again" / "2.png")


def test_stdin_has_no_shards():
    with pytest.raises(ConfigError, match="--shard"):
        plan("-", shard=(1, 2))


def test_units_hold_few_pages_and_many_lines(tmp_path):
    def task(number, size):
        path = tmp_path / f"{number}.png"
        path.write_bytes(b"x" * size)
        return FileTask(path, None)

    lines = [task(n, 10) for n in range(300)]
    pages = [task(n, 900_000) for n in range(300, 305)]
    assert list(unit_ends(lines)) == [128, 256, 300]
    assert list(unit_ends(pages)) == [2, 4, 5]
    assert list(unit_ends([FileTask(tmp_path / "gone.png", None)])) == [1]
    assert list(unit_ends([])) == []


def test_reports_come_back_in_order_from_memory_and_from_disk(monkeypatch):
    import glyphsr.upscaling.report_spool as module

    monkeypatch.setattr(module, "IN_MEMORY", 500)  # nearly all of them go to the file
    spool = ReportSpool(20)
    for place in (7, 3, 19, 0):
        spool.put(place, PictureReport(f"{place}\udcff.png", None, "failed", error="x" * 200))
    spool.close()
    assert [report.input for report in spool] == [f"{place}\udcff.png" for place in (0, 3, 7, 19)]
    assert spool[-1].error == "x" * 200
    assert len(spool[1:3]) == 2


def test_shards_together_do_what_one_run_does(tmp_path, monkeypatch):
    folder = tmp_path / "in"
    folder.mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (9, 5, 12, 3), np.uint8)
    for number, picture in enumerate(pixels):
        Image.fromarray(picture).save(folder / f"{number}.png")
    options = {"guard": "off", "device": "cpu"}
    glyphsr.upscale_files(folder, tmp_path / "whole", **options)
    glyphsr.upscale_files(folder, tmp_path / "shared", shard="1/2", report=tmp_path / "r.jsonl", **options)
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    glyphsr.upscale_files(folder, tmp_path / "shared", report=tmp_path / "r.jsonl", **options)

    made = {path.name: path.read_bytes() for path in (tmp_path / "shared").iterdir()}
    assert made == {path.name: path.read_bytes() for path in (tmp_path / "whole").iterdir()}
    rows = [json.loads(row) for n in (1, 2) for row in (tmp_path / f"r-{n}-of-2.jsonl").read_text().splitlines()]
    assert sorted(Path(row["input"]).name for row in rows) == sorted(made)
