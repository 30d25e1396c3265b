"""Where the result cannot be written: one line, and an exit code that says so."""

import subprocess
import sys
from pathlib import Path

import pytest

from glyphsr_cli import console

pytestmark = pytest.mark.process

LIST = [sys.executable, "-m", "glyphsr_cli", "models", "list", "--json"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_stdout_is_one_line():
    with open("/dev/full", "w") as full:  # noqa: PTH123 - a device
        done = subprocess.run(LIST, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "error: standard output: No space left on device\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_help_that_cannot_be_printed_is_one_line():
    with open("/dev/full", "w") as full:  # noqa: PTH123 - a device
        done = subprocess.run([*LIST[:3], "--version"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "error: standard output: No space left on device\n")


def test_a_closed_stdout_is_refused_before_the_work():
    command = ["sh", "-c", 'exec "$@" >&-', "sh", *LIST]
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("error: standard output is closed")


def test_paths_stay_on_one_line_unless_asked_otherwise(capfdbinary):
    console.echo_path("a\nb\x1b[31m\udcff.png")
    console.echo_path("a\nb.png", print0=True)
    assert capfdbinary.readouterr().out == b"a\\nb\\x1b[31m\xff.png\na\nb.png\0"


def test_messages_cannot_steer_a_terminal(capsys):
    console.say("error: \x1b]0;title\x07\u202ename\nnext")
    assert capsys.readouterr().err == "error: \\x1b]0;title\\x07\\u202ename\\nnext\n"
