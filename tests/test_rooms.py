"""The rooms of the code base: imports only go down the floors, and help stays light."""

import ast
import graphlib
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

FLOORS = {
    "errors": 0,
    "_version": 0,
    "safe_reading": 0.5,
    "types": 1,
    "text": 1,
    "config": 1,
    "system": 1,
    "images": 2,
    "losses": 2,
    "metrics": 2,
    "viz": 2,
    "reading": 2,
    "nn": 2,
    "sam": 2,
    "recognizers": 3,
    "data": 3,
    "glyphs": 3,
    "models": 4,
    "weights": 5,
    "ocr": 6,
    "guard": 7,
    "extraction": 7,
    "dataset_tools": 7,
    "training": 7,
    "upscaling": 8,
    "serving": 9,
    "evaluation": 9,
    "visualization": 10,
    "reproduction": 10,
    "doctor": 10,
    "__init__": 11,
}
"""Rooms by floor: a room imports from lower floors and itself; rooms of one floor do not know each other."""

CLOSED = {"upscaling": {"data"}}
"""Rooms that a room must not import although they lie below it."""


def room_of(path: Path) -> str:
    return path.relative_to(ROOT / "glyphsr").parts[0].removesuffix(".py")


def imported_modules(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


LIBRARY = sorted((ROOT / "glyphsr").rglob("*.py"))


@pytest.mark.parametrize("path", LIBRARY, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_room_imports_only_from_lower_floors_and_itself(path):
    room = room_of(path)
    for name in imported_modules(path):
        if not name.startswith("glyphsr."):
            assert not name.startswith("glyphsr_cli"), f"{path} imports the CLI"
            continue
        other = name.split(".")[1]
        assert other == room or FLOORS[other] < FLOORS[room], f"{path}: {room} must not import {other}"
        assert other not in CLOSED.get(room, ()), f"{path}: {room} must not import {other}"


def test_no_module_imports_itself_by_way_of_others():
    """Imports inside functions count, too: one that hides a circle is one."""
    modules = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in LIBRARY}
    known = {module: imported_modules(path) for module, path in modules.items()}
    arrows = {
        m: {n if n in modules else n.rpartition(".")[0] for n in names} & set(modules) for m, names in known.items()
    }
    try:
        tuple(graphlib.TopologicalSorter(arrows).static_order())
    except graphlib.CycleError as error:
        pytest.fail(" imports ".join(reversed(error.args[1])))


def test_no_room_holds_more_than_a_seventh_of_the_code():
    lines: Counter[str] = Counter()
    for path in LIBRARY:
        lines[room_of(path)] += len(path.read_text(encoding="utf-8").splitlines())
    room, most = lines.most_common(1)[0]
    assert most <= 0.15 * lines.total(), f"{room} holds {most} of {lines.total()} lines"


LIGHT = [
    *(ROOT / "glyphsr" / "config").rglob("*.py"),
    *(ROOT / "glyphsr" / "models").glob("*/settings.py"),
    *(ROOT / "glyphsr" / "models").glob("*/__init__.py"),
    *((ROOT / "glyphsr" / "nn" / name) for name in ("__init__.py", "architecture.py", "key_tables.py")),
]
"""What is imported where settings are read."""


@pytest.mark.parametrize("path", sorted(LIGHT), ids=lambda p: str(p.relative_to(ROOT)))
def test_settings_stay_free_of_torch(path):
    assert not any(name.split(".")[0] in ("torch", "numpy", "cv2") for name in imported_modules(path))


@pytest.mark.process
@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["upscale", "--help"],
        ["export", "--help"],
        ["train", "--help"],
        ["eval", "--help"],
        ["models", "--help"],
        ["models", "list"],
        ["data", "make", "--help"],
        ["data", "synth", "--help"],
        ["data", "degrade", "--help"],
        ["extract", "--help"],
        ["serve", "--help"],
        ["demo", "--help"],
    ],
)
def test_help_and_version_import_nothing_heavy(arguments):
    code = (
        "import sys\n"
        "from glyphsr_cli.app import app\n"
        "try:\n"
        f"    app({arguments!r})\n"
        "except SystemExit as stop:\n"
        "    assert stop.code == 0, stop.code\n"
        "heavy = {'torch', 'cv2', 'numpy', 'PIL', 'timm', 'torchvision'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.process
def test_python_dash_m_works():
    done = subprocess.run(
        [sys.executable, "-m", "glyphsr_cli", "--version"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.split()[0]) == (0, "glyphsr")


def test_every_file_that_is_no_code_travels_with_the_package():
    """An editable install would hide that one is missing."""
    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]["glyphsr"]
    room = ROOT / "glyphsr"
    packed = {path for pattern in patterns for path in room.glob(pattern)}
    skipped = (".py", ".pyc")
    assert [p for p in room.rglob("*") if p.is_file() and p.suffix not in skipped and p not in packed] == []
