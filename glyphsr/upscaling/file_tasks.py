"""What an ``upscale`` run has to do: a task for each picture.

Names stay plain texts here and become paths one by one, so that a million of them fit into memory.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import overload

from glyphsr.upscaling.input_names import is_remote, split_page

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

        # A document's page and an address are kept in the same text as a path.
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
    """Those of this shard."""
    total: int
    """Inputs of all shards."""
    failures: tuple[tuple[str, str], ...] = ()
    """Input and what is wrong with it."""
    left_out: str | None = None
    """What folders hold that is no input."""
