"""The pictures in a folder, and below it, without the results that an earlier run left there."""

# ruff: noqa: PTH113, PTH118, PTH119, PTH122 - a path object for each of a million names takes minutes
import os
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator

from glyphsr.images.formats import INPUTS
from glyphsr.upscaling.name_clashes import real_name

COMPARE_SUFFIX = "_compare"

RESULT_LABEL = re.compile(r"(_x\d+(\.\d+)?|_\d*x\d*)?(_compare)?$")
"""What ``upscale`` itself puts after a name; nothing matches, too."""

FOLDERS = "folders, which --recursive looks into"
NO_FILES = "that are no files"
ONE = {FOLDERS: "folder, which --recursive looks into", NO_FILES: "that is no file"}
"""Reasons that are worded otherwise of a single one."""


def entries_below(
    folder: str,
    suffix: str | None,
    *,
    recursive: bool,
    avoid: str | None,
    unreadable: Callable[[OSError], None],
    left_out: Callable[[str, str], None] = lambda reason, name: None,
) -> Iterator[str]:
    """Pictures of a folder in the order of their paths' parts, one folder in memory at a time.

    Args:
        folder: Where to look.
        suffix: What results have after their names, beside the usual labels.
        recursive: Look into the folders below.
        avoid: A resolved folder whose pictures are left out.
        unreadable: Called with folders below that cannot be looked into.
        left_out: Called with each entry that is left out, and why.

    Raises:
        OSError: If the folder itself cannot be looked into.
    """
    with os.scandir(folder) as entries:
        found = sorted(entries, key=lambda entry: entry.name)

    # Results of an earlier run lie beside their pictures and are recognised by their names.
    pictures = {e.name for e in found if _is_picture(e.name) and e.is_file() and not _lies_in(e, avoid)}
    kept = set(_without_results(pictures, suffix))

    for entry in found:
        reason = None if entry.name in kept else _why_not(entry, pictures, recursive=recursive)
        if reason is not None:
            left_out(reason, entry.path)

        if entry.name in kept:
            yield entry.path.removeprefix("./") if folder == "." else entry.path
        elif recursive and entry.is_dir(follow_symlinks=False):
            try:
                below = entry.path.removeprefix("./") if folder == "." else entry.path
                yield from entries_below(
                    below, suffix, recursive=True, avoid=avoid, unreadable=unreadable, left_out=left_out
                )
            except OSError as error:
                unreadable(error)


def _why_not(entry: "os.DirEntry[str]", pictures: Collection[str], *, recursive: bool) -> str | None:
    """Why an entry that is not taken is left out; ``None`` where nobody would expect it to be taken."""
    if entry.name.startswith("."):
        return None
    if entry.name in pictures:
        return "named like results of an earlier run"
    if entry.is_dir():
        return None if recursive else FOLDERS
    if not entry.is_file():
        return NO_FILES
    return None if _is_picture(entry.name) else f"{os.path.splitext(entry.name)[1].lower() or 'without an ending'}"


class LeftOut:
    """Counts what was left out, by reason, with an example each."""

    def __init__(self) -> None:
        self._count: Counter[str] = Counter()
        self._example: dict[str, str] = {}

    def add(self, reason: str, name: str) -> None:
        """Count one."""
        self._count[reason] += 1
        self._example.setdefault(reason, os.path.basename(name))

    def summary(self) -> str | None:
        """One line; ``None`` for nothing.

        Example:
            >>> left = LeftOut()
            >>> left.add(".txt", "in/notes.txt")
            >>> left.add("named like results of an earlier run", "in/a_x2.png")
            >>> left.summary()
            '1 .txt (notes.txt), 1 named like results of an earlier run (a_x2.png)'
        """
        parts = [
            f"{count} {ONE.get(reason, reason) if count == 1 else reason} ({self._example[reason]})"
            for reason, count in self._count.most_common()
        ]
        return ", ".join(parts) or None


def _is_picture(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in INPUTS and not name.startswith(".")


def _lies_in(entry: "os.DirEntry[str]", folder: str | None) -> bool:
    if folder is None:
        return False
    return os.path.join(real_name(entry.path), "").startswith(os.path.join(folder, ""))


def pictures_in(names: Iterable[str]) -> list[str]:
    """Those names of files that end like pictures'."""
    return [n for n in names if os.path.splitext(n)[1].lower() in INPUTS and os.path.isfile(n)]


def without_results(paths: Collection[str], suffix: str | None) -> Iterator[str]:
    """Leave out what an earlier run made of another picture here: ``<stem>_x2``, ``<stem><suffix>``, comparisons."""
    by_folder: dict[str, set[str]] = defaultdict(set)
    for path in paths:
        head, name = os.path.split(path)
        by_folder[head].add(name)
    kept = {head: set(_without_results(names, suffix)) for head, names in by_folder.items()}
    return (path for path in paths if os.path.split(path)[1] in kept[os.path.split(path)[0]])


def _without_results(names: Collection[str], suffix: str | None) -> Iterator[str]:
    """The same of the names in one folder."""
    # A name is a result's only if the picture that it would be of is here, too.
    stems = {os.path.splitext(name)[0] for name in names}

    def is_result(stem: str) -> bool:
        # What the picture would be called of which this is a result, by either kind of label.
        bases = {RESULT_LABEL.sub("", stem)}
        if suffix:
            bases.add(stem.removesuffix(COMPARE_SUFFIX).removesuffix(suffix))
        return any(base != stem and base in stems for base in bases)

    return (name for name in names if not is_result(os.path.splitext(name)[0]))
