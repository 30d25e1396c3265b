import os
import signal
import subprocess
import sys
import time

import pytest

from glyphsr.errors import OutputError
from glyphsr.system import atomic_files
from glyphsr.system.atomic_files import TEMPORARY, atomic_path, check_writable, is_temporary, write_bytes
from glyphsr.system.staged_folder import FolderBuild

pytestmark = pytest.mark.process


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_name_that_fills_the_file_system_s_length(tmp_path):
    path = tmp_path / ("x" * 251 + ".png")
    write_bytes(path, b"1")
    assert names(tmp_path) == [path.name]


def test_what_a_killed_run_left_is_swept_and_what_another_writes_is_not(tmp_path, monkeypatch):
    code = (
        "import sys, time; from pathlib import Path; from glyphsr.system.atomic_files import atomic_path\n"
        "with atomic_path(Path(sys.argv[1])) as t:\n"
        "    t.write_bytes(b'half'); print('ready', flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "a.txt")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "ready\n"
        assert [is_temporary(path) for path in tmp_path.iterdir()] == [True]
        monkeypatch.setattr(atomic_files, "_swept", set())
        write_bytes(tmp_path / "b.txt", b"1")
        assert len(names(tmp_path)) == 2  # the other is at work
        other.send_signal(signal.SIGKILL)
        other.wait()
    monkeypatch.setattr(atomic_files, "_swept", set())
    write_bytes(tmp_path / "b.txt", b"2")
    assert names(tmp_path) == ["b.txt"]


def interrupted(path):
    with atomic_path(path) as temporary:
        temporary.write_bytes(b"new")
        raise KeyboardInterrupt


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path):
    write_bytes(tmp_path / "a", b"old")
    with pytest.raises(KeyboardInterrupt):
        interrupted(tmp_path / "a")
    assert (names(tmp_path), (tmp_path / "a").read_bytes()) == (["a"], b"old")


def test_a_place_that_cannot_be_written_is_found_before(tmp_path):
    check_writable(tmp_path / "a.json", "--report")
    assert names(tmp_path) == []
    with pytest.raises(OutputError, match=r"--report .*cannot be written"):
        check_writable(tmp_path / "none" / "a.json", "--report")


def test_a_kill_before_the_mark_does_not_block_a_folder(tmp_path):
    (tmp_path / "out.partial").mkdir()
    build = FolderBuild(tmp_path / "out", source="s", overwrite=False, foreign=lambda _: None)
    (build.partial / f"{TEMPORARY}0.png").write_bytes(b"half")
    build.release()
    again = FolderBuild(tmp_path / "out", source="s", overwrite=False, foreign=lambda _: None)
    assert again.resumes
    assert names(again.partial) == [".unfinished"]
    again.finish()
    assert names(tmp_path) == ["out"]


def test_a_folder_that_was_being_taken_away_is_swept(tmp_path, monkeypatch):
    left = tmp_path / f"{TEMPORARY}abc"
    left.mkdir()
    (left / "x").write_bytes(b"1")
    monkeypatch.setattr(atomic_files, "_swept", set())
    write_bytes(tmp_path / "a", b"1")
    assert names(tmp_path) == ["a"]


def test_modes_follow_the_umask(tmp_path):
    write_bytes(tmp_path / "a", b"1")
    assert oct((tmp_path / "a").stat().st_mode & 0o777) == oct(0o666 & ~atomic_files._UMASK)
    assert time.time() - (tmp_path / "a").stat().st_mtime < 60
    assert os.access(tmp_path / "a", os.R_OK)
