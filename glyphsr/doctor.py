"""``doctor``: what an installation has, what it lacks, and how each is mended."""

import os
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

from glyphsr._version import VERSION
from glyphsr.config.commands import COMMANDS, settings_of
from glyphsr.config.named import named_configs
from glyphsr.config.reader import environment_settings
from glyphsr.errors import GlyphSRError
from glyphsr.system.cache import cache_folder
from glyphsr.weights.hub import list_weights, verify

Status = Literal["ok", "note", "warning", "error"]
"""Whether it is as it should be, may be changed, will do harm, or stops the work."""

FREE_BYTES = 2_000_000_000
"""Of a disk below which a warning says so: weights and results need some."""

OPENCV = ("opencv-python", "opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless")
"""Packages that all install the one module ``cv2``."""

LEAST_PYTHON = (3, 11)

WANTED = "where you want it:"
"""How the mend of an extra begins that is not installed."""


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    name: str
    status: Status
    found: str
    mend: str | None = None
    """What to do, where something is to be done."""


@dataclass(frozen=True)
class Diagnosis:
    """All of them."""

    checks: tuple[Check, ...]

    @property
    def is_sound(self) -> bool:
        """Whether nothing stops the work."""
        return all(check.status != "error" for check in self.checks)

    def as_dict(self) -> dict[str, Any]:
        """The JSON document."""
        return {
            "schema_version": 1,
            "command": "doctor",
            "ok": self.is_sound,
            "checks": [asdict(check) for check in self.checks],
        }


def doctor() -> Diagnosis:
    """Look at versions, devices, packages, weights, cache, disks and environment; nothing is changed."""
    return Diagnosis(
        (
            _python(),
            Check("glyphsr", "ok", f"{VERSION} in {Path(__file__).parent}"),
            *_torch(),
            *_packages(),
            *_extras(),
            _opencv(),
            *_weights(),
            _configurations(),
            _cache(),
            *_disks(),
            *_environment(),
        )
    )


def _python() -> Check:
    system = (platform.system(), platform.release(), platform.machine(), *platform.libc_ver())
    found = f"{platform.python_version()} on {' '.join(filter(None, system))}"
    if sys.version_info < LEAST_PYTHON:
        return Check("python", "error", found, "install Python 3.11 or newer")
    return Check("python", "ok", found)


def _torch() -> Iterator[Check]:
    try:
        import torch
    except Exception as error:  # a broken build raises almost anything
        yield Check("torch", "error", _line(error), "pip install --force-reinstall torch torchvision")
        return

    threads = torch.get_num_threads()
    build = f"CUDA {torch.version.cuda}" if torch.version.cuda else "CPU"
    yield Check(
        "torch", "ok", f"{torch.__version__}, {build} build, {threads} {'thread' if threads == 1 else 'threads'}"
    )

    if torch.cuda.is_available():
        names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
        yield Check("devices", "ok", f"cuda: {', '.join(names)}")
    elif torch.backends.mps.is_available():
        yield Check("devices", "ok", "mps")
    elif torch.version.cuda and shutil.which("nvidia-smi"):
        yield Check(
            "devices", "warning", "cpu; a GPU's driver is there, but torch does not see it", "update the driver"
        )
    else:
        yield Check("devices", "ok", "cpu")


def _packages() -> Iterator[Check]:
    """What the package itself needs."""
    try:
        needed = metadata.requires("glyphsr") or []
    except metadata.PackageNotFoundError:
        yield Check(
            "packages", "note", "glyphsr runs from its source folder, so its needs are not known", "pip install ."
        )
        return

    wrong = [problem for text in needed if "extra ==" not in text and (problem := _unmet(text))]
    if wrong:
        names = " ".join(f"'{_wanted(text)}'" for text in needed if "extra ==" not in text and _unmet(text))
        yield Check("packages", "error", "; ".join(wrong), f"pip install {names}")
    else:
        yield Check("packages", "ok", "all that is needed is there")


def _extras() -> Iterator[Check]:
    try:
        about = metadata.metadata("glyphsr")
        needed = metadata.requires("glyphsr") or []
    except metadata.PackageNotFoundError:
        return
    for extra in about.get_all("Provides-Extra") or []:
        if extra in ("test", "dev", "docs"):
            continue

        # Requirements of an extra carry its name as a marker.
        own = [text for text in needed if re.search(rf"extra == ['\"]{re.escape(extra)}['\"]", text)]

        missing = [_wanted(text) for text in own if _unmet(text)]
        if missing:
            mend = f"{WANTED} pip install 'glyphsr[{extra}]'"
            yield Check(f"extra {extra}", "note", f"not installed: {', '.join(missing)}", mend)
        elif extra == "ocr" and shutil.which("tesseract") is None:
            yield Check("extra ocr", "note", "installed, without the program tesseract", "apt install tesseract-ocr")
        else:
            yield Check(f"extra {extra}", "ok", "installed")


def _wanted(text: str) -> str:
    return text.partition(";")[0].strip()


def _unmet(text: str) -> str | None:
    """Why a requirement is not met; ``None`` where it is."""
    from packaging.requirements import Requirement

    requirement = Requirement(_wanted(text))
    try:
        found = metadata.version(requirement.name)
    except metadata.PackageNotFoundError:
        return f"{requirement.name} is missing"
    return None if requirement.specifier.contains(found, prereleases=True) else f"{requirement} wanted, {found} found"


def _opencv() -> Check:
    found = {name: version for name in OPENCV if (version := _version(name)) is not None}
    shown = ", ".join(f"{name} {version}" for name, version in found.items()) or "none"

    try:
        import cv2
    except Exception as error:
        mend = "pip uninstall -y opencv-python; pip install --force-reinstall opencv-python-headless"
        return Check("opencv", "error", f"{shown}: {_line(error)}", mend)

    # Two packages of one module: which of them was installed last is imported.
    if len(set(found.values())) > 1:
        newest = max(found.values(), key=lambda version: [int(part) for part in re.findall(r"\d+", version)])
        same = " ".join(f"{name}=={newest}" for name in found)
        return Check(
            "opencv", "warning", f"{shown}: both are the one module cv2", f"pip install --force-reinstall {same}"
        )
    return Check("opencv", "ok", f"{shown or 'cv2'} ({cv2.__version__})")


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _weights() -> Iterator[Check]:
    rows = list_weights()
    bundled = [row.name for row in rows if row.entry.source == "bundled"]
    try:
        broken = [item.name for item in verify(bundled) if not item.ok]
        problem = f"{', '.join(broken)}: not what was shipped" if broken else None
    except (GlyphSRError, OSError) as error:
        problem = _line(error)

    if problem:
        yield Check("bundled weights", "error", problem, "pip install --force-reinstall glyphsr")
    else:
        yield Check("bundled weights", "ok", ", ".join(bundled))

    cached = [row.name for row in rows if row.status == "cached"]
    yield Check("stored weights", "ok", ", ".join(cached) or "none; `glyphsr models list` shows what there is")


def _configurations() -> Check:
    try:
        return Check("configurations", "ok", f"{len(named_configs())}; `glyphsr config list` shows them")
    except GlyphSRError as error:
        return Check("configurations", "warning", _line(error), "pip install --force-reinstall glyphsr")


def _cache() -> Check:
    folder = cache_folder()
    # A cache that is not there yet is judged by the folder in which it would be made.
    place = next((path for path in (folder, *folder.parents) if path.exists()), folder)
    try:
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        mend = "set $GLYPHSR_CACHE to a folder that you may write to"
        return Check("cache", "warning", f"{folder}: cannot be written: {error.strerror or error}", mend)

    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else 0
    return Check("cache", "ok", f"{folder}, {size / 1e6:.0f} MB")


def _disks() -> Iterator[Check]:
    for name, folder in (
        ("cache", cache_folder()),
        ("working", Path.cwd()),
        ("temporary", Path(tempfile.gettempdir())),
    ):
        place = next((path for path in (folder, *folder.parents) if path.is_dir()), None)
        if place is None:
            continue

        free = shutil.disk_usage(place).free
        shown = f"{free / 1e9:.1f} GB free at {place}"
        if free < FREE_BYTES:
            yield Check(f"disk of the {name} folder", "warning", shown, "free some, or use another disk")
        else:
            yield Check(f"disk of the {name} folder", "ok", shown)


def _environment() -> Iterator[Check]:
    import warnings

    # Variables are read as each command would; names of no setting are warnings there.
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for command in COMMANDS:
            try:
                environment_settings(settings_of(command), os.environ)
            except GlyphSRError as error:
                yield Check("environment", "warning", f"{command}: {_line(error)}", "unset it, or correct it")

    foreign = sorted({str(warning.message).split(":")[1].strip() for warning in caught})
    if foreign:
        yield Check("environment", "note", f"no settings of ours, ignored: {', '.join(foreign)}")

    root = os.environ.get("GLYPHSR_DATA")
    if root and not Path(root).is_dir():
        yield Check("data", "warning", f"$GLYPHSR_DATA: {root}: no such folder", "set it to TextZoom's folder")

    encoding = (sys.stdout.encoding or "unknown") if sys.stdout else "none"
    if encoding.lower().replace("-", "") != "utf8":
        yield Check(
            "terminal", "note", f"encoding {encoding}: other letters are shown as escapes", "export LC_ALL=C.UTF-8"
        )


def _line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
