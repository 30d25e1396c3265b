"""The inputs of an ``upscale`` run: files, folders, globs, addresses, stdin; documents by their pages."""

# ruff: noqa: PTH118, PTH207 - a path object for each of a million names takes minutes
import glob
import os
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path

from glyphsr.errors import ConfigError, DataError, PictureError
from glyphsr.images.documents import count_pages, parse_pages
from glyphsr.images.formats import DOCUMENTS, INPUTS
from glyphsr.upscaling.folder_listing import LeftOut, entries_below, pictures_in, without_results
from glyphsr.upscaling.input_names import STREAM, called, check_address, is_remote, page_label, split_page, with_page
from glyphsr.upscaling.output_naming import OutputNaming


class FoundInputs:
    """The inputs of a run, each once.

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
        # From the surest to the least: stdin, an address, a folder, a pattern that is no file's name, a file.
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
        # An empty folder is most often a mistake, so the message says what is in it.
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


def find_inputs(
    inputs: Sequence[str], out: Path | None, naming: OutputNaming, *, recursive: bool, pages: str | None
) -> FoundInputs:
    """All inputs of a run; those that cannot be read are among its failures.

    Args:
        inputs: Files, folders, globs, addresses, or ``-`` for stdin.
        out: File or folder of results, which is no input.
        naming: How results are named; those of an earlier run are no inputs.
        recursive: Look into the folders below.
        pages: Of PDF and TIFF files; ``None`` for all.

    Raises:
        ConfigError: If an input is no name that can be.
        DataError: If all of them failed.
    """
    found = FoundInputs(pages)
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
