"""Makes sure that no input is written to and no name is written twice, without keeping a million names once more."""

# ruff: noqa: PTH114, PTH118 - a path object for each of a million names takes minutes
import os
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

import numpy as np

from glyphsr.errors import ConfigError


def check_names(
    sources: Sequence[str | None], targets: Sequence[str | None], *, beside: Callable[[str], str] | None
) -> None:
    """Refuse results that would take an input's name or another's.

    Args:
        sources: Inputs; ``None`` for stdin.
        targets: Results; ``None`` for stdout.
        beside: Name of what is written beside each result, if anything is.

    Raises:
        ConfigError: If there is such a name.
    """

    def written() -> Iterator[str]:
        for target in targets:
            if target is not None:
                yield target
                if beside is not None:
                    yield beside(target)

    # Eight bytes a name instead of all names once more.
    inputs = np.fromiter((hash(real_name(name)) for name in sources if name is not None), np.int64)
    outputs = np.fromiter((hash(real_name(name)) for name in written()), np.int64)

    unique, counts = np.unique(outputs, return_counts=True)
    clashing = set(unique[(counts > 1) | np.isin(unique, inputs)].tolist())
    if not clashing:
        return

    # Different names may have one hash, so those few are compared as they are.
    taken = {real_name(name) for name in sources if name is not None and hash(real_name(name)) in clashing}
    seen: set[str] = set()
    for name in written():
        real = real_name(name)
        if hash(real) not in clashing:
            continue
        if real in taken:
            raise ConfigError(f"{name}: is an input, and would be written to; inputs are never modified")
        if real in seen:
            raise ConfigError(f"{name}: several results would get this name; give the inputs one by one")
        seen.add(real)


def real_name(path: str) -> str:
    """The name that every way to a file has, links followed; of files that are not there yet, too."""
    head, name = os.path.split(path)
    # Links and dots are resolved one by one; of other names only the folder is, which is remembered.
    if name in ("", ".", "..") or os.path.islink(path):
        return os.path.realpath(path)
    return os.path.join(real_folder(head), name)


@lru_cache(maxsize=4096)
def real_folder(folder: str) -> str:
    """The same of a folder; pictures come folder by folder."""
    return os.path.realpath(folder or ".")
