"""A short run of the fuzzing harness; docs/reliability.md has the long one."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.process

ROOT = Path(__file__).parent.parent


def test_mutated_files_end_in_one_line_and_a_documented_code():
    command = [sys.executable, str(ROOT / "benchmarks" / "fuzz.py"), "--files", "60", "--seconds", "20"]
    command += ["--costly", "0"]
    kinds = "yaml,tables,records,labels,caches,pairs"
    done = subprocess.run([*command, "--kinds", kinds], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert ", 0 wrong, seed 0" in done.stdout
