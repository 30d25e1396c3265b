"""Which files an ``upscale`` run reads and writes: files, folders, globs, stdin, stdout."""

import glob
import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from glyphsr.errors import ConfigError, DataError
from glyphsr.images.formats import SUFFIXES
from glyphsr.images.writer import picture_format

STREAM = "-"
"""Stands for stdin as an input and for stdout as an output."""

COMPARE_SUFFIX = "_compare"

RESULT_LABEL = re.compile(r"(_x\d+(\.\d+)?|_\d*x\d*)?(_compare)?$")
"""What ``upscale`` itself puts behind a name; nothing matches, too."""


@dataclass(frozen=True)
class FileTask:
    """One picture's way; ``None`` stands for the standard stream."""

    source: Path | None
    target: Path | None
    named: bool = False
    """Given by name, not found in a folder or by a glob."""

    @property
    def name(self) -> str:
        """The source as messages call it."""
        return "stdin" if self.source is None else str(self.source)


@dataclass(frozen=True)
class FilePlan:
    """Everything to do, and the inputs that nothing can be done about."""

    tasks: tuple[FileTask, ...]
    failures: tuple[tuple[str, str], ...] = ()
    """Input and what is wrong with it."""


@dataclass(frozen=True)
class OutputNaming:
    """How results are named."""

    suffix: str | None
    """Put behind names; ``None`` for the default."""
    ext: str
    """File type of names that are not given."""
    label: str
    """Default suffix of results beside their inputs, e.g. ``_x2``."""
    compare: bool = False
    """Whether comparison pictures are written, too."""

    def __post_init__(self) -> None:
        picture_format(self.ending)
        if self.suffix is not None and re.search(r"[/\\\0]", self.suffix):
            raise ConfigError(f"--suffix {self.suffix}: expected a part of a file name, without slashes")

    @property
    def ending(self) -> str:
        """The file name ending, with its dot."""
        return "." + self.ext.lower().lstrip(".")


@dataclass(frozen=True)
class _Found:
    source: Path | None
    relative: Path
    """Path below the folder it was found in."""
    named: bool


def _entries(folder: Path, *, recursive: bool) -> tuple[list[Path], list[tuple[str, str]]]:
    """What is in a folder, and below it, and the folders that cannot be looked into, each with the reason."""
    if not recursive:
        return sorted(folder.iterdir()), []
    unreadable: list[tuple[str, str]] = []

    def note(error: OSError) -> None:
        unreadable.append((str(error.filename), f"{error.filename}: {error.strerror or error}"))

    found = [Path(above, name) for above, _, names in os.walk(folder, onerror=note) for name in names]
    return sorted(found), unreadable


def _in_folder(
    folder: Path, out: Path | None, naming: OutputNaming, failures: list[tuple[str, str]], *, recursive: bool
) -> list[_Found]:
    entries, unreadable = _entries(folder, recursive=recursive)
    failures += unreadable
    pictures = [p for p in entries if p.suffix.lower() in SUFFIXES and not p.name.startswith(".") and p.is_file()]
    if out is not None and out.resolve() != folder.resolve():  # an output folder inside is no input
        pictures = [p for p in pictures if not p.resolve().is_relative_to(out.resolve())]
    found = _without_results(pictures, naming)
    if not found:
        below = "" if recursive else "; --recursive looks into the folders below"
        raise DataError(f"{folder}: no pictures ({' '.join(SUFFIXES)}) in this folder{below}")
    return [_Found(p, p.relative_to(folder), named=False) for p in found]


def _without_results(pictures: list[Path], naming: OutputNaming) -> list[Path]:
    """Leave out what an earlier run made of another picture here: ``<stem>_x2``, ``<stem><suffix>``, comparisons."""
    stems = {(p.parent, p.stem) for p in pictures}

    def is_result(path: Path) -> bool:
        bases = {RESULT_LABEL.sub("", path.stem)}
        if naming.suffix:
            bases.add(path.stem.removesuffix(COMPARE_SUFFIX).removesuffix(naming.suffix))
        return any(base != path.stem and (path.parent, base) in stems for base in bases)

    return [path for path in pictures if not is_result(path)]


def _find_one(
    text: str, out: Path | None, naming: OutputNaming, failures: list[tuple[str, str]], *, recursive: bool
) -> list[_Found]:
    path = Path(text)
    if text == STREAM:
        return [_Found(None, Path("stdin.png"), named=True)]
    if not text:
        raise ConfigError("INPUT: expected a file, folder, glob or -, got an empty name")
    if path.is_dir():
        return _in_folder(path, out, naming, failures, recursive=recursive)
    if glob.has_magic(text) and not path.exists():
        matches = [Path(name) for name in sorted(glob.glob(text, recursive=recursive))]  # noqa: PTH207 - absolute ones
        pictures = [p for p in matches if p.suffix.lower() in SUFFIXES and p.is_file()]
        found = _without_results(pictures, naming)
        if not found:
            raise DataError(f"{text}: matches no pictures")
        return [_Found(p, Path(p.name), named=False) for p in found]
    return [_Found(path, Path(path.name), named=True)]


def _find(
    inputs: Sequence[str], out: Path | None, naming: OutputNaming, *, recursive: bool
) -> tuple[list[_Found], list[tuple[str, str]]]:
    found: dict[Path | None, _Found] = {}  # a file that is named twice is done once
    failures: list[tuple[str, str]] = []
    for text in inputs:
        try:
            for item in _find_one(text, out, naming, failures, recursive=recursive):
                found.setdefault(item.source, item)
        except DataError as error:
            failures.append((text, str(error)))
        except OSError as error:
            failures.append((text, f"{text}: {error.strerror or error}"))
    if not found and failures:
        raise DataError(failures[0][1])
    return list(found.values()), failures


def _names(found: list[_Found], suffix: str, ending: str, folder: Path | None) -> list[Path]:
    """Results below ``folder`` or beside their sources; sources of one stem in one place keep their endings apart."""

    def place(item: _Found, stem: str) -> Path:
        parent = folder / item.relative.parent if folder is not None else (item.source or Path()).parent
        return parent / f"{stem}{suffix}{ending}"

    plain = [place(item, item.relative.stem) for item in found]
    counts = Counter(plain)
    return [
        name if counts[name] == 1 else place(item, f"{item.relative.stem}_{item.relative.suffix.lstrip('.')}")
        for item, name in zip(found, plain, strict=True)
    ]


def plan_files(inputs: Sequence[str], out: str | None, naming: OutputNaming, *, recursive: bool) -> FilePlan:
    """Pair every input with its output.

    Args:
        inputs: Files, folders, globs, or ``-`` for stdin.
        out: File, folder, ``-`` for stdout, or ``None`` for beside the input (stdout for stdin).
        naming: How results are named.
        recursive: Look into the folders below.

    Raises:
        ConfigError: If inputs and output do not go together.
        DataError: If there is nothing at all to do.
    """
    out_path = None if out in (None, STREAM) else Path(str(out))
    found, failures = _find(inputs, out_path, naming, recursive=recursive)
    single = len(found) == 1 and found[0].named
    if out == STREAM or (out is None and single and found[0].source is None):
        if not single:
            raise ConfigError(f"--out -: stdout takes one picture, got {len(found)}")
        targets: list[Path | None] = [None]
    elif out_path is None:
        if any(item.source is None for item in found):
            raise ConfigError("-: stdin beside other inputs needs --out FOLDER")
        beside = naming.label if naming.suffix is None else naming.suffix
        targets = [*_names(found, beside, naming.ending, None)]
    else:
        targets = _targets_in(out_path, found, naming, single=single)
    tasks = [FileTask(item.source, target, item.named) for item, target in zip(found, targets, strict=True)]
    _check(tasks, naming)
    return FilePlan(tuple(tasks), tuple(failures))


def _targets_in(out: Path, found: list[_Found], naming: OutputNaming, *, single: bool) -> list[Path | None]:
    try:
        is_folder, exists = out.is_dir(), out.exists()
    except OSError as error:
        raise ConfigError(f"--out {out}: {error.strerror or error}") from error
    if single and not is_folder and (out.suffix or exists):
        picture_format(out.suffix)
        return [out]
    if exists and not is_folder:
        raise ConfigError(f"{out}: is a file, but {len(found)} pictures need a folder; give another --out")
    if not exists and out.suffix.lower() in SUFFIXES:
        raise ConfigError(f"{out}: names a picture, but folders, globs and several files need a folder")
    return [*_names(found, naming.suffix or "", naming.ending, out)]


def _key(path: Path) -> Path:
    try:
        return path.resolve()
    except OSError:
        return path.absolute()


def _check(tasks: list[FileTask], naming: OutputNaming) -> None:
    """No input is ever written to, and no name is written twice."""
    sources = {_key(task.source) for task in tasks if task.source is not None}
    written = Counter(
        _key(path)
        for task in tasks
        if task.target is not None
        for path in (task.target, *([compare_path(task.target)] if naming.compare else []))
    )
    for path, count in written.items():
        if path in sources:
            raise ConfigError(f"{path}: is an input, and would be written to; inputs are never modified")
        if count > 1:
            raise ConfigError(f"{path}: several results would get this name; give the inputs one by one")


def compare_path(target: Path) -> Path:
    """Where the before/after picture of a result goes."""
    return target.with_name(f"{target.stem}{COMPARE_SUFFIX}.png")
