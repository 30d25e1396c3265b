import multiprocessing
import random
import shutil
import signal
import subprocess
import sys
import time

import pytest

from glyphsr.data.lmdb_writer import LmdbWriter
from glyphsr.errors import ConfigError, GlyphSRError, OutputError
from glyphsr.extraction import dataset_run, worker
from glyphsr.extraction.chunk_store import ChunkStore, difference
from glyphsr.extraction.extract import extract
from glyphsr.system.process_pool import usable_cores
from glyphsr.system.shards import parse_shard

from ..helpers.drawn_words import INK_ONLY
from ..helpers.lmdb import values

INK = INK_ONLY

pytestmark = pytest.mark.usefixtures("small_chunks")


@pytest.mark.parametrize("order", [[1, 2], [2, 1], [3, 1, 2]])
def test_shards_in_any_order_join_to_the_whole(many, tmp_path, whole, order):
    out = tmp_path / "sharded"
    for i, number in enumerate(order):
        report = extract(str(many), out, shard=f"{number}/{len(order)}", config=INK).reports[0]
        assert report.complete == (i + 1 == len(order))
    assert values(out) == whole


def test_ranks_of_torchrun_are_shards(many, tmp_path, whole, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    for rank in ("0", "1"):
        monkeypatch.setenv("RANK", rank)
        extract(str(many), tmp_path / "ranks", config=INK)
    assert values(tmp_path / "ranks") == whole


def test_shards_that_ran_elsewhere_join_where_their_chunks_come_together(many, tmp_path, whole):
    for number in (1, 2):
        extract(str(many), tmp_path / f"machine{number}", shard=f"{number}/2", config=INK)
    for file in (tmp_path / "machine2.parts").glob("*.zip"):
        shutil.copy(file, tmp_path / "machine1.parts")
    report = extract(str(many), tmp_path / "machine1", config=INK).reports[0]
    assert report.extracted == 0
    assert values(tmp_path / "machine1") == whole


def test_processes_leave_no_trace(many, tmp_path, whole):
    extract(str(many), tmp_path / "pool", config=INK.model_copy(update={"workers": 2}))
    assert values(tmp_path / "pool") == whole


KILLED = """
import pathlib, sys
from glyphsr.config.extraction import ExtractConfig
from glyphsr.extraction import dataset_run, extract
dataset_run.INK_CHUNK = 4
if __name__ == "__main__":
    settings = ExtractConfig(segmenter="ink", localizer="cuts", workers=1)
    extract.extract(sys.argv[1], pathlib.Path(sys.argv[2]), config=settings)
"""


@pytest.mark.process
def test_a_run_killed_at_ten_random_moments_equals_one_that_was_not(many, tmp_path, whole, monkeypatch):
    monkeypatch.setattr(dataset_run, "INK_CHUNK", 1)
    out, script = tmp_path / "killed", tmp_path / "run.py"
    script.write_text(KILLED.replace("INK_CHUNK = 4", "INK_CHUNK = 1"))
    random.seed(4)
    parts = ChunkStore(tmp_path / "killed.parts", 20, 1)
    for kill in range(10):
        process = subprocess.Popen([sys.executable, str(script), str(many), str(out)])
        deadline = time.monotonic() + 60
        while process.poll() is None and not parts.chunk_file(kill).exists() and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(random.random() * 0.02)
        process.send_signal(signal.SIGKILL)
        process.wait()
    report = extract(str(many), out, config=INK).reports[0]
    assert report.complete
    assert values(out) == whole


def test_a_killed_merge_is_done_again(many, tmp_path, whole, monkeypatch):
    out = tmp_path / "glyphs"

    def killed(self, out, manifest):
        raise KeyboardInterrupt

    monkeypatch.setattr(ChunkStore, "merge", killed)
    with pytest.raises(KeyboardInterrupt):
        extract(str(many), out, config=INK)
    monkeypatch.undo()
    monkeypatch.setattr(dataset_run, "INK_CHUNK", 4)
    assert not out.exists()
    assert extract(str(many), out, config=INK).reports[0].extracted == 0
    assert values(out) == whole


def test_differences_that_change_no_mask_are_none():
    there = {"segmenter": {"name": "sam"}, "versions": {"numpy": "1"}}
    assert difference(there, {"segmenter": {"name": "sam"}, "versions": {"numpy": "2"}}) is None
    assert (
        difference({"localizer": None}, {"localizer": {"name": "cuts"}})
        == 'localizer is null there, {"name": "cuts"} here'
    )


def test_a_foreign_parts_folder_is_left_alone(many, tmp_path):
    (tmp_path / "glyphs.parts").mkdir()
    (tmp_path / "glyphs.parts" / "novel.txt").write_text("novel")
    with pytest.raises(ConfigError, match="is in the way"):
        extract(str(many), tmp_path / "glyphs", config=INK)


def test_a_damaged_chunk_is_made_anew(many, tmp_path, whole):
    out = tmp_path / "glyphs"
    extract(str(many), out, shard="1/2", config=INK)
    chunk = next((tmp_path / "glyphs.parts").glob("*.zip"))
    chunk.write_bytes(chunk.read_bytes()[:-40])
    report = extract(str(many), out, shard="2/2", config=INK).reports[0]
    assert "it is made again" in report.notices[-1]
    assert report.complete
    assert values(out) == whole


def test_a_full_disk_leaves_finished_chunks(many, tmp_path, whole, monkeypatch):
    written = []
    keep = ChunkStore.write

    def full(self, chunk, words):
        if len(written) == 2:
            raise OSError(28, "No space left on device", str(self.chunk_file(chunk)))
        written.append(chunk)
        keep(self, chunk, words)

    monkeypatch.setattr(ChunkStore, "write", full)
    with pytest.raises(GlyphSRError, match="No space left on device; finished chunks stay"):
        extract(str(many), tmp_path / "glyphs", config=INK)
    monkeypatch.setattr(ChunkStore, "write", keep)
    assert extract(str(many), tmp_path / "glyphs", config=INK).reports[0].extracted == 12
    assert values(tmp_path / "glyphs") == whole


@pytest.mark.process
def test_a_worker_that_dies_is_an_error_and_nothing_is_lost(many, tmp_path, whole, monkeypatch):
    progress = []

    def kill_a_worker(source, done, share):
        if not progress and done.words:
            for child in multiprocessing.active_children():
                child.kill()
            progress.append(done)

    with pytest.raises(GlyphSRError, match="a worker process died"):
        extract(str(many), tmp_path / "glyphs", config=INK.model_copy(update={"workers": 2}), progress=kill_a_worker)
    extract(str(many), tmp_path / "glyphs", config=INK)
    assert values(tmp_path / "glyphs") == whole


@pytest.mark.process
def test_a_killed_parent_takes_its_workers_along(many, tmp_path):
    script = tmp_path / "run.py"
    script.write_text(KILLED.replace("workers=1", "workers=2"))
    process = subprocess.Popen([sys.executable, str(script), str(many), str(tmp_path / "glyphs")])
    children: set[str] = set()
    deadline = time.monotonic() + 60
    while len(children) < 3 and process.poll() is None and time.monotonic() < deadline:  # two, and a resource tracker
        listed = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True, check=False)
        children |= set(listed.stdout.split())
    process.kill()
    process.wait()
    assert children
    while time.monotonic() < deadline:
        alive = subprocess.run(
            ["ps", "-o", "pid=,stat=", "-p", ",".join(children)], capture_output=True, text=True, check=False
        )
        if all(line.split()[1].startswith("Z") for line in alive.stdout.splitlines()):
            break
        time.sleep(0.05)
    else:
        pytest.fail(f"still there: {alive.stdout}")


def test_what_a_kill_left_beside_a_finished_result_is_tidied(many, tmp_path):
    out = tmp_path / "glyphs"
    extract(str(many), out, shard="1/2", config=INK)
    shutil.copytree(tmp_path / "glyphs.parts", tmp_path / "kept")
    extract(str(many), out, config=INK)
    shutil.copytree(tmp_path / "kept", tmp_path / "glyphs.parts")
    report = extract(str(many), out, config=INK).reports[0]
    assert (report.complete, report.words, report.extracted) == (True, 20, 0)
    assert not (tmp_path / "glyphs.parts").exists()


def test_unfinished_work_of_other_parameters_does_not_touch_a_finished_result(many, tmp_path):
    out = tmp_path / "glyphs"
    extract(str(many), out, config=INK)
    other = INK.model_copy(update={"threshold": 0.5})
    extract(str(many), out, shard="1/2", config=other, overwrite=True)
    report = extract(str(many), out, config=INK).reports[0]
    assert (report.complete, report.words) == (True, 20)
    assert (tmp_path / "glyphs.parts").is_dir()


@pytest.mark.process
def test_the_same_command_twice_at_once_is_one_result(many, tmp_path, whole):
    script = tmp_path / "run.py"
    script.write_text(KILLED)
    out = tmp_path / "glyphs"
    both = [
        subprocess.Popen([sys.executable, str(script), str(many), str(out)], stderr=subprocess.PIPE) for _ in range(2)
    ]
    errors = [process.communicate()[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], errors
    assert values(out) == whole
    assert sorted(path.name for path in tmp_path.glob("glyphs*")) == ["glyphs"]


def test_a_disk_that_is_full_when_chunks_are_joined(many, tmp_path, whole, monkeypatch):
    def full(self):
        raise OutputError("mdb_txn_commit: No space left on device")

    out = tmp_path / "glyphs"
    monkeypatch.setattr(LmdbWriter, "commit", full)
    with pytest.raises(GlyphSRError, match="No space left on device; finished chunks stay"):
        extract(str(many), out, config=INK)
    monkeypatch.undo()
    assert not (tmp_path / "glyphs.partial").exists()  # it would take the space that is wanting
    monkeypatch.setattr(dataset_run, "INK_CHUNK", 4)
    assert extract(str(many), out, config=INK).reports[0].extracted == 0
    assert values(out) == whole


@pytest.mark.parametrize("place", [10, -20, -1, 6, 8])
def test_a_chunk_with_any_wrong_byte_is_made_anew(many, tmp_path, whole, place):
    out = tmp_path / "glyphs"
    extract(str(many), out, shard="1/2", config=INK)
    chunk = next((tmp_path / "glyphs.parts").glob("*.zip"))
    content = bytearray(chunk.read_bytes())
    content[place] ^= 0x81
    chunk.write_bytes(content)
    extract(str(many), out, config=INK)
    assert values(out) == whole


def test_trash_that_a_kill_left_does_not_keep_old_chunks_alive(many, tmp_path):
    out = tmp_path / "glyphs"
    extract(str(many), out, shard="1/2", config=INK)
    (tmp_path / "glyphs.parts.1.trash" / "x").mkdir(parents=True)
    other = INK.model_copy(update={"threshold": 1.0})
    assert extract(str(many), out, config=other, overwrite=True).reports[0].extracted == 20
    assert sorted(path.name for path in tmp_path.glob("glyphs*")) == ["glyphs"]


def test_a_folder_of_parts_with_anything_else_in_it_is_not_ours(many, tmp_path):
    extract(str(many), tmp_path / "glyphs", shard="1/2", config=INK)
    (tmp_path / "glyphs.parts" / "novel.txt").write_text("novel")
    with pytest.raises(ConfigError, match="is in the way"):
        extract(str(many), tmp_path / "glyphs", config=INK.model_copy(update={"threshold": 0.1}), overwrite=True)
    assert (tmp_path / "glyphs.parts" / "novel.txt").read_text() == "novel"


def test_a_damaged_manifest_is_named_and_can_be_replaced(many, tmp_path, whole):
    out = tmp_path / "glyphs"
    extract(str(many), out, shard="1/2", config=INK)
    for content in (b'{"x', b"[1]"):
        (tmp_path / "glyphs.parts" / "manifest").write_bytes(content)
        with pytest.raises(ConfigError, match="its manifest is damaged; --overwrite"):
            extract(str(many), out, config=INK)
    extract(str(many), out, config=INK, overwrite=True)
    assert values(out) == whole


def test_words_too_large_for_the_memory_are_rejected_alone(many, tmp_path, monkeypatch):
    extract_words = worker.extract_words

    def tight(words, *rest):
        if any(word.text == "Bridge" for word in words):
            raise MemoryError
        return extract_words(words, *rest)

    monkeypatch.setattr(worker, "extract_words", tight)
    run = extract(str(many), tmp_path / "glyphs", config=INK)
    assert run.reports[0].rejected == {"out_of_memory": 2}
    assert run.exit_code == 3
    assert all("memory does not suffice" in problem for problem in run.problems)


def test_large_pictures_are_worked_on_few_at_a_time(many, tmp_path, whole, monkeypatch):
    sizes = []
    extract_words = worker.extract_words

    def watched(words, *rest):
        sizes.append(len(words))
        return extract_words(words, *rest)

    monkeypatch.setattr(worker, "BATCH_PIXELS", 32 * 100)
    monkeypatch.setattr(worker, "extract_words", watched)
    extract(str(many), tmp_path / "glyphs", config=INK)
    assert max(sizes) == 2
    assert values(tmp_path / "glyphs") == whole


def test_ranks_that_make_no_sense_are_refused():
    with pytest.raises(ConfigError, match=r"RANK 5 .*WORLD_SIZE 2.*--shard"):
        parse_shard(None, {"RANK": "5", "WORLD_SIZE": "2"})


def test_cores_are_shared_by_the_ranks_of_a_machine(monkeypatch):
    monkeypatch.delenv("LOCAL_WORLD_SIZE", raising=False)
    own = usable_cores()
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    assert usable_cores() == max(1, own // 2)


@pytest.mark.parametrize("text", ["0/2", "3/2", "x", "1", "1/", "-1/2", "1/0"])
def test_shards_that_make_no_sense_are_refused(text):
    with pytest.raises(ConfigError, match="expected I/N"):
        parse_shard(text)
