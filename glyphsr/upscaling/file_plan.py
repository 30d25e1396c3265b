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

from glyphsr.errors import ConfigError, DataError, PictureError
from glyphsr.images.documents import count_pages, parse_pages
from glyphsr.images.formats import DOCUMENTS, INPUTS, SUFFIXES
from glyphsr.images.writer import picture_format
from glyphsr.system.shards import shard_of
from glyphsr.upscaling.folder_listing import COMPARE_SUFFIX, LeftOut, entries_below, pictures_in, without_results
from glyphsr.upscaling.input_names import STREAM, called, check_address, is_remote, page_label, split_page, with_page
from glyphsr.upscaling.name_clashes import check_names

PAGE_MARK = "#page="
"""Between a document and a page where both are shown, as addresses of PDF files have it."""


@dataclass(frozen=True)
class FileTask:
    """One picture's way; ``None`` stands for the standard stream."""

    source: Path | None
    target: Path | None
    named: bool = False
    """Given by name, not found in a folder or by a glob."""
    number: int = 0
    """Place among the inputs of the run."""
    page: int | None = None
    """Of a document, from 1."""
    remote: str | None = None
    """Web address or clipboard, instead of a source."""

    @property
    def name(self) -> str:
        """The source as messages call it."""
        return "stdin" if self.source is None and self.remote is None else self.remote or str(self.source)

    @property
    def title(self) -> str:
        """The same with the page, for what has one name for each."""
        return self.name if self.page is None else f"{self.name}{PAGE_MARK}{self.page}"


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

        path, page = (None, None) if source is None else split_page(source)
        remote = path if path is not None and is_remote(path) else None

        return FileTask(
            None if path is None or remote else Path(path),
            None if target is None else Path(target),
            bool(self._named[number]),
            number,
            page,
            remote,
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
    left_out: str | None = None
    """What folders hold that is no input."""


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
    """The inputs, each once.

    Args:
        pages: Those of documents that are asked for; ``None`` for all.
    """

    def __init__(self, pages: str | None = None) -> None:
        self.sources: list[str | None] = []
        self.starts = array("q")
        """Where in each the path below the folder begins that it was found in."""
        self.named = bytearray()
        self.failures: list[tuple[str, str]] = []
        """What nothing can be done about, and why."""
        self.left_out = LeftOut()
        self.has_pages = False
        self._pages = pages
        self._known: set[str | None] = set()

    def add(self, source: str | None, start: int, *, named: bool) -> None:
        """Add an input, or each page of a document."""
        for text in [source] if source is None else self._parts(source):
            if text not in self._known:  # a file that is named twice is done once
                self._known.add(text)
                self.sources.append(text)
                self.starts.append(start)
                self.named.append(named)

    def _parts(self, source: str) -> list[str]:
        if not source.lower().endswith(DOCUMENTS) or is_remote(source):
            return [source]
        try:
            count = count_pages(Path(source))
            if count == 1 and self._pages is None:
                return [source]
            pages = parse_pages(self._pages, count, source)
        except PictureError as error:
            self.failures.append((source, str(error)))
            return []
        self.has_pages = True
        return [with_page(source, page, count) for page in pages]

    def relative(self, number: int) -> str:
        """What an input is called below an output folder."""
        source = self.sources[number]
        if source is None:
            return "stdin.png"
        return called(source) if is_remote(source) else split_page(source[self.starts[number] :])[0]

    def beside(self, number: int) -> str:
        """What it is called where results lie beside their inputs; those of no files lie in the current folder."""
        source = self.sources[number]
        return self.relative(number) if source is None or is_remote(source) else split_page(source)[0]

    def label(self, number: int) -> str:
        """What tells a page from the others of its document."""
        return page_label(self.sources[number] or "")

    def add_all_of(self, text: str, out: Path | None, naming: OutputNaming, *, recursive: bool) -> None:
        """Add what one INPUT stands for."""
        path = Path(text)

        check_address(text)
        if text == STREAM:
            self.add(None, 0, named=True)
        elif not text:
            raise ConfigError("INPUT: expected a file, folder, glob or -, got an empty name")
        elif is_remote(text):
            self.add(text, 0, named=True)
        elif path.is_dir():
            self._add_folder(path, out, naming, recursive=recursive)
        elif glob.has_magic(text) and not path.exists():
            names = sorted(glob.glob(text, recursive=recursive))
            matches = (str(Path(name)) for name in without_results(pictures_in(names), naming.suffix))
            if not self._add_some(matches, None):
                raise DataError(f"{text}: matches no pictures")
        else:
            self.add(str(path), len(str(path)) - len(path.name), named=True)

    def _add_folder(self, folder: Path, out: Path | None, naming: OutputNaming, *, recursive: bool) -> None:

        unreadable: list[OSError] = []
        beside = out is None or out.resolve() == folder.resolve()
        names = entries_below(
            str(folder),
            naming.suffix,
            recursive=recursive,
            avoid=None if beside else str(out and out.resolve()),  # an output folder inside is no input
            unreadable=unreadable.append,
            left_out=self.left_out.add,
        )

        root = "" if str(folder) == "." else os.path.join(folder, "")
        some = self._add_some(names, len(root))

        self.failures += [(str(e.filename), f"{e.filename}: {e.strerror or e}") for e in unreadable]
        if not some:
            below = "" if recursive else "; --recursive looks into the folders below"
            left = self.left_out.summary()
            seen = f"; it has {left}" if left else ""
            raise DataError(f"{folder}: no pictures ({' '.join(sorted(INPUTS))}) in this folder{below}{seen}")

    def _add_some(self, names: Iterator[str], start: int | None) -> bool:
        some = False
        for name in names:
            some = True
            self.add(name, name.rfind(os.sep) + 1 if start is None else start, named=False)
        return some


def _find(
    inputs: Sequence[str], out: Path | None, naming: OutputNaming, *, recursive: bool, pages: str | None
) -> _Found:
    found = _Found(pages)
    for text in inputs:
        try:
            found.add_all_of(text, out, naming, recursive=recursive)
        except DataError as error:
            found.failures.append((text, str(error)))
        except OSError as error:
            found.failures.append((text, f"{text}: {error.strerror or error}"))
    if not found.sources and found.failures:
        raise DataError(found.failures[0][1])
    return found


def _names(found: _Found, suffix: str, ending: str, folder: Path | None) -> list[str | None]:
    """Results below ``folder`` or beside their sources; sources of one stem in one place keep their endings apart."""
    root = None if folder is None or str(folder) == "." else str(folder)

    def place(number: int, *, apart: bool) -> str:
        head, name = os.path.split(found.relative(number) if folder is not None else found.beside(number))
        stem, dot = os.path.splitext(name)
        stem = f"{stem}_{dot.lstrip('.')}" if apart else stem
        parts = [part for part in (root, head, f"{stem}{found.label(number)}{suffix}{ending}") if part]
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
    pages: str | None = None,
) -> FilePlan:
    """Pair every input with its output.

    Args:
        inputs: Files, folders, globs, or ``-`` for stdin.
        out: File, folder, ``-`` for stdout, or ``None`` for beside the input (stdout for stdin).
        naming: How results are named.
        recursive: Look into the folders below.
        share: Which part of all inputs is asked for, counted from 1, and of how many. A name decides in which it is, so
            that no input is in two of them, even if they see the folder at different times.
        pages: Of PDF and TIFF files, such as ``1,3-5``; ``None`` for all.

    Raises:
        ConfigError: If inputs and output do not go together.
        DataError: If there is nothing at all to do.
    """
    out_path = None if out in (None, STREAM) else Path(str(out))
    found = _find(inputs, out_path, naming, recursive=recursive, pages=pages)
    single = len(found.sources) == 1 and bool(found.named[0])

    if share[1] > 1 and None in found.sources:
        raise ConfigError("-: stdin cannot be shared; leave --shard away")

    # Where results go: to stdout, beside the inputs, or where the user says.
    if out == STREAM or (out is None and single and found.sources[0] is None):
        if not single:
            raise ConfigError(f"--out -: stdout takes one picture, got {len(found.sources)}{_of_pages(found)}")
        targets: list[str | None] = [None]
    elif out_path is None:
        if None in found.sources:
            raise ConfigError("-: stdin beside other inputs needs --out FOLDER")
        beside = naming.label if naming.suffix is None else naming.suffix
        targets = _names(found, beside, naming.ending, None)
    else:
        targets = _targets_in(out_path, found, naming, single=single)

    # Two results of one name, or one on an input, are found before anything is computed.
    sources = [source and split_page(source)[0] for source in found.sources] if found.has_pages else found.sources
    check_names(sources, targets, beside=(lambda t: str(compare_path(Path(t)))) if naming.compare else None)
    tasks = FileTasks(found.sources, targets, found.named)

    # A shard's pictures are chosen by name, so that it does not matter in which order folders are listed.
    if share != (1, 1):
        own = (i for i in range(len(tasks)) if shard_of(found.relative(i), share[1]) == share[0])
        tasks = tasks.chosen(array("q", own))
        found.failures = [failure for failure in found.failures if shard_of(failure[0], share[1]) == share[0]]
    return FilePlan(tasks, len(found.sources), tuple(found.failures), found.left_out.summary())


def _of_pages(found: _Found) -> str:
    """What to do where a document is more than one picture."""
    return "; --pages N takes one page" if found.has_pages else ""


def _targets_in(out: Path, found: _Found, naming: OutputNaming, *, single: bool) -> list[str | None]:
    try:
        is_folder, exists = out.is_dir(), out.exists()
    except OSError as error:
        raise ConfigError(f"--out {out}: {error.strerror or error}") from error

    if single and not is_folder and (out.suffix or exists):
        picture_format(out.suffix)
        return [str(out)]

    # From here on OUT is a folder.
    count = len(found.sources)
    if exists and not is_folder:
        raise ConfigError(f"{out}: is a file, but {count} pictures need a folder; give another --out")
    if not exists and out.suffix.lower() in SUFFIXES:
        raise ConfigError(
            f"{out}: names a picture, but folders, globs and several files or pages need a folder{_of_pages(found)}"
        )

    return _names(found, naming.suffix or "", naming.ending, out)


def compare_path(target: Path) -> Path:
    """Where the before/after picture of a result goes."""
    return target.with_name(f"{target.stem}{COMPARE_SUFFIX}.png")
