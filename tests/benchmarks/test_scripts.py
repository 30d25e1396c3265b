"""Every script of benchmarks/ and recipes/ finds what it imports, although no other test runs it."""

import runpy
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = sorted(
    path.relative_to(ROOT).as_posix() for room in ("benchmarks", "recipes") for path in ROOT.glob(f"{room}/*.py")
)


@pytest.mark.parametrize("script", SCRIPTS)
def test_it_is_imported(script, monkeypatch):
    monkeypatch.setattr(sys, "path", [str((ROOT / script).parent), *sys.path])
    loaded = set(sys.modules)
    names = runpy.run_path(str(ROOT / script), run_name="imported")
    assert names["__doc__"]

    # Scripts import one another by bare names, which other tests' modules may have too.
    for name in {path.stem for path in (ROOT / script).parent.glob("*.py")} & (set(sys.modules) - loaded):
        del sys.modules[name]
