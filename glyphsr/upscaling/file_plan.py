"""Which files an ``upscale`` run reads and writes: files, folders, globs, stdin, stdout.

Names stay plain texts here and become paths one by one, so that a million of them fit into memory.
"""

# ruff: noqa: PTH118, PTH122, PTH207 - a path object for each of a million names takes minutes
import glob
import os
import re
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import overload

from glyphsr.errors import ConfigError, DataError
from glyphsr.images.formats import SUFFIXES
from glyphsr.images.writer import picture_format
from glyphsr.system.shards import shard_of
from glyphsr.upscaling.folder_listing import COMPARE_SUFFIX, entries_below, pictures_in, without_results
from glyphsr.upscaling.name_clashes import check_names

STREAM = "-"
"""Stands for stdin as an input and for stdout as an output."""


@dataclass(frozen=True)
class FileTask:
    """One picture's way; ``None`` stands for the standard stream."""

    source: Path | None
    target: Path | None
    named: bool = False
    """Given by name, not found in a folder or by a glob."""
    number: int = 0
    """Place among the inputs of the run."""

    @property
    def name(self) -> str:
        """The source as messages call it."""
        return "stdin" if self.source is None else str(self.source)


class FileTasks(Sequence[FileTask]):
    """Tasks made when asked for, of names kept as texts.

    Args:
        sources: Inputs; ``None`` for stdin.
        targets: Outputs; ``None`` for stdout.
        named: Which inputs are given by name.
        numbers: Those that are tasks here; default all.
    """

    def __init__(
        self,
        sources: Sequence[str | None],
        targets: Sequence[str | None],
        named: bytearray,
        numbers: Sequence[int] | None = None,
    ) -> None:
        self._sources, self._targets, self._named = sources, targets, named
        self.numbers = range(len(sources)) if numbers is None else numbers

    def __len__(self) -> int:
        return len(self.numbers)

    @overload
    def __getitem__(self, place: int) -> FileTask: ...

    @overload
    def __getitem__(self, place: slice) -> "FileTasks": ...

    def __getitem__(self, place: "int | slice") -> "FileTask | FileTasks":
        if isinstance(place, slice):
            return self.chosen(self.numbers[place])
        number = self.numbers[place]
        source, target = self._sources[number], self._targets[number]
        return FileTask(
            None if source is None else Path(source),
            None if target is None else Path(target),
            bool(self._named[number]),
            number,
        )

    def chosen(self, numbers: Sequence[int]) -> "FileTasks":
        """Those of some numbers, which they keep."""
        return FileTasks(self._sources, self._targets, self._named, numbers)


@dataclass(frozen=True)
class FilePlan:
    """Everything to do, and the inputs that nothing can be done about."""

    tasks: FileTasks
    """This share's."""
    total: int
    """Inputs of all shares."""
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


class _Found:
    """The inputs, each once."""

    def __init__(self) -> None:
        self.sources: list[str | None] = []
        self.starts = array("q")
        """Where in each the path below the folder begins that it was found in."""
        self.named = bytearray()
        self._known: set[str | None] = set()

    def add(self, source: str | None, start: int, *, named: bool) -> None:
        if source not in self._known:  # a file that is named twice is done once
            self._known.add(source)
            self.sources.append(source)
            self.starts.append(start)
            self.named.append(named)

    def relative(self, number: int) -> str:
        """What an input is called below an output folder."""
        source = self.sources[number]
        return "stdin.png" if source is None else source[self.starts[number] :]

    def add_all_of(self, text: str, out: Path | None, naming: OutputNaming, *, recursive: bool) -> Iterator[OSError]:
        """Add what one INPUT stands for, and give the folders in it that cannot be looked into."""
        path = Path(text)
        if text == STREAM:
            self.add(None, 0, named=True)
        elif not text:
            raise ConfigError("INPUT: expected a file, folder, glob or -, got an empty name")
        elif path.is_dir():
            yield from self._add_folder(path, out, naming, recursive=recursive)
        elif glob.has_magic(text) and not path.exists():
            names = sorted(glob.glob(text, recursive=recursive))
            matches = (str(Path(name)) for name in without_results(pictures_in(names), naming.suffix))
            if not self._add_some(matches, None):
                raise DataError(f"{text}: matches no pictures")
        else:
            self.add(str(path), len(str(path)) - len(path.name), named=True)

    def _add_folder(
        self, folder: Path, out: Path | None, naming: OutputNaming, *, recursive: bool
    ) -> Iterator[OSError]:
        unreadable: list[OSError] = []
        beside = out is None or out.resolve() == folder.resolve()
        names = entries_below(
            str(folder),
            naming.suffix,
            recursive=recursive,
            avoid=None if beside else str(out and out.resolve()),  # an output folder inside is no input
            unreadable=unreadable.append,
        )
        root = "" if str(folder) == "." else os.path.join(folder, "")
        some = self._add_some(names, len(root))
        yield from unreadable
        if not some:
            below = "" if recursive else "; --recursive looks into the folders below"
            raise DataError(f"{folder}: no pictures ({' '.join(SUFFIXES)}) in this folder{below}")

    def _add_some(self, names: Iterator[str], start: int | None) -> bool:
        some = False
        for name in names:
            some = True
            self.add(name, name.rfind(os.sep) + 1 if start is None else start, named=False)
        return some


def _find(
    inputs: Sequence[str], out: Path | None, naming: OutputNaming, *, recursive: bool
) -> tuple[_Found, list[tuple[str, str]]]:
    found = _Found()
    failures: list[tuple[str, str]] = []
    for text in inputs:
        try:
            for error in found.add_all_of(text, out, naming, recursive=recursive):
                failures.append((str(error.filename), f"{error.filename}: {error.strerror or error}"))
        except DataError as error:
            failures.append((text, str(error)))
        except OSError as error:
            failures.append((text, f"{text}: {error.strerror or error}"))
    if not found.sources and failures:
        raise DataError(failures[0][1])
    return found, failures


def _names(found: _Found, suffix: str, ending: str, folder: Path | None) -> list[str | None]:
    """Results below ``folder`` or beside their sources; sources of one stem in one place keep their endings apart."""
    root = None if folder is None or str(folder) == "." else str(folder)

    def place(number: int, *, apart: bool) -> str:
        relative = found.relative(number)
        head, name = os.path.split(relative if folder is not None else found.sources[number] or relative)
        stem, dot = os.path.splitext(name)
        stem = f"{stem}_{dot.lstrip('.')}" if apart else stem
        parts = [part for part in (root, head, f"{stem}{suffix}{ending}") if part]
        return os.path.join(*parts)

    names = [place(number, apart=False) for number in range(len(found.sources))]
    seen: set[str] = set()
    twice = {name for name in names if name in seen or seen.add(name)}  # type: ignore[func-returns-value]
    return [place(i, apart=True) if name in twice else name for i, name in enumerate(names)] if twice else [*names]


def plan_files(
    inputs: Sequence[str],
    out: str | None,
    naming: OutputNaming,
    *,
    recursive: bool,
    share: tuple[int, int] = (1, 1),
) -> FilePlan:
    """Pair every input with its output.

    Args:
        inputs: Files, folders, globs, or ``-`` for stdin.
        out: File, folder, ``-`` for stdout, or ``None`` for beside the input (stdout for stdin).
        naming: How results are named.
        recursive: Look into the folders below.
        share: Which part of all inputs is asked for, counted from 1, and of how many. A name decides in which it is, so
            that no input is in two of them, even if they see the folder at different times.

    Raises:
        ConfigError: If inputs and output do not go together.
        DataError: If there is nothing at all to do.
    """
    out_path = None if out in (None, STREAM) else Path(str(out))
    found, failures = _find(inputs, out_path, naming, recursive=recursive)
    single = len(found.sources) == 1 and bool(found.named[0])
    if share[1] > 1 and None in found.sources:
        raise ConfigError("-: stdin cannot be shared; leave --shard away")
    if out == STREAM or (out is None and single and found.sources[0] is None):
        if not single:
            raise ConfigError(f"--out -: stdout takes one picture, got {len(found.sources)}")
        targets: list[str | None] = [None]
    elif out_path is None:
        if None in found.sources:
            raise ConfigError("-: stdin beside other inputs needs --out FOLDER")
        beside = naming.label if naming.suffix is None else naming.suffix
        targets = _names(found, beside, naming.ending, None)
    else:
        targets = _targets_in(out_path, found, naming, single=single)
    check_names(found.sources, targets, beside=(lambda t: str(compare_path(Path(t)))) if naming.compare else None)
    tasks = FileTasks(found.sources, targets, found.named)
    if share != (1, 1):
        own = (i for i in range(len(tasks)) if shard_of(found.relative(i), share[1]) == share[0])
        tasks = tasks.chosen(array("q", own))
        failures = [failure for failure in failures if shard_of(failure[0], share[1]) == share[0]]
    return FilePlan(tasks, len(found.sources), tuple(failures))


def _targets_in(out: Path, found: _Found, naming: OutputNaming, *, single: bool) -> list[str | None]:
    try:
        is_folder, exists = out.is_dir(), out.exists()
    except OSError as error:
        raise ConfigError(f"--out {out}: {error.strerror or error}") from error
    if single and not is_folder and (out.suffix or exists):
        picture_format(out.suffix)
        return [str(out)]
    count = len(found.sources)
    if exists and not is_folder:
        raise ConfigError(f"{out}: is a file, but {count} pictures need a folder; give another --out")
    if not exists and out.suffix.lower() in SUFFIXES:
        raise ConfigError(f"{out}: names a picture, but folders, globs and several files need a folder")
    return _names(found, naming.suffix or "", naming.ending, out)


def compare_path(target: Path) -> Path:
    """Where the before/after picture of a result goes."""
    return target.with_name(f"{target.stem}{COMPARE_SUFFIX}.png")
