"""The pictures in a folder, and below it, without the results that an earlier run left there."""

# ruff: noqa: PTH113, PTH118, PTH122 - a path object for each of a million names takes minutes
import os
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator

from glyphsr.images.formats import SUFFIXES
from glyphsr.upscaling.name_clashes import real_name

COMPARE_SUFFIX = "_compare"

RESULT_LABEL = re.compile(r"(_x\d+(\.\d+)?|_\d*x\d*)?(_compare)?$")
"""What ``upscale`` itself puts behind a name; nothing matches, too."""


def entries_below(
    folder: str,
    suffix: str | None,
    *,
    recursive: bool,
    avoid: str | None,
    unreadable: Callable[[OSError], None],
) -> Iterator[str]:
    """Pictures of a folder in the order of their paths' parts, one folder in memory at a time.

    Args:
        folder: Where to look.
        suffix: What results have behind their names, beside the usual labels.
        recursive: Look into the folders below.
        avoid: A resolved folder whose pictures are left out.
        unreadable: Called with folders below that cannot be looked into.

    Raises:
        OSError: If the folder itself cannot be looked into.
    """
    with os.scandir(folder) as entries:
        found = sorted(entries, key=lambda entry: entry.name)
    pictures = {e.name for e in found if _is_picture(e.name) and e.is_file() and not _lies_in(e, avoid)}
    kept = set(_without_results(pictures, suffix))
    for entry in found:
        if entry.name in kept:
            yield entry.path.removeprefix("./") if folder == "." else entry.path
        elif recursive and entry.is_dir(follow_symlinks=False):
            try:
                below = entry.path.removeprefix("./") if folder == "." else entry.path
                yield from entries_below(below, suffix, recursive=True, avoid=avoid, unreadable=unreadable)
            except OSError as error:
                unreadable(error)


def _is_picture(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in SUFFIXES and not name.startswith(".")


def _lies_in(entry: "os.DirEntry[str]", folder: str | None) -> bool:
    if folder is None:
        return False
    return os.path.join(real_name(entry.path), "").startswith(os.path.join(folder, ""))


def pictures_in(names: Iterable[str]) -> list[str]:
    """Those names of files that end like pictures'."""
    return [n for n in names if os.path.splitext(n)[1].lower() in SUFFIXES and os.path.isfile(n)]


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
    stems = {os.path.splitext(name)[0] for name in names}

    def is_result(stem: str) -> bool:
        bases = {RESULT_LABEL.sub("", stem)}
        if suffix:
            bases.add(stem.removesuffix(COMPARE_SUFFIX).removesuffix(suffix))
        return any(base != stem and base in stems for base in bases)

    return (name for name in names if not is_result(os.path.splitext(name)[0]))
