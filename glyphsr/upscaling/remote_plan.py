"""Inputs in object stores and tar shards, and where their results go; names are URLs that fsspec understands."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from glyphsr.errors import ConfigError, DataError
from glyphsr.images.formats import SUFFIXES
from glyphsr.upscaling.output_naming import OutputNaming

TAR = ".tar"
"""Ending of shards as WebDataset has them; each is one input and gives one output."""


def is_remote(name: str) -> bool:
    """Whether an input is read by fsspec: a URL, or a tar file."""
    return "://" in name or name.lower().endswith(TAR)


@dataclass
class RemotePlan:
    """What to read and write, in the order of the inputs."""

    sources: list[str] = field(default_factory=list)
    targets: list[str] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    """Bytes of the inputs; 0 where the store does not tell."""
    finished: set[int] = field(default_factory=set)
    """Places of those whose results are there."""


def open_store(url: str) -> tuple[Any, str]:
    """The file system of a URL, and the path in it.

    Raises:
        ConfigError: If its protocol is unknown, or the package for it is missing.
    """
    try:
        import fsspec
    except ImportError as error:
        raise ConfigError(f"{url}: fsspec is not installed; pip install 'glyphsr[cluster]'") from error
    try:
        store, path = fsspec.core.url_to_fs(url)
    except (ImportError, ValueError) as error:
        raise ConfigError(f"{url}: {str(error).strip().splitlines()[0]}") from error
    return store, path


def plan_remote(inputs: Sequence[str], out: str | None, naming: OutputNaming, *, recursive: bool) -> RemotePlan:
    """Pair every input with its output.

    Args:
        inputs: URLs of pictures, folders and tar shards.
        out: URL or path of the folder for the results.
        naming: How results are named.
        recursive: Look into the folders below.

    Raises:
        ConfigError: If there is no output, or two results would have one name.
        DataError: If an input is not there, or holds no pictures.
    """
    if out is None or out == "-":
        raise ConfigError("--out: expected a folder or URL for the results of URLs and tar files")

    plan = RemotePlan()
    seen: set[str] = set()

    for text in inputs:
        for source, relative, size in _find(text, recursive=recursive):
            target = f"{out.rstrip('/')}/{_result(relative, naming)}"
            if target in seen:
                raise ConfigError(f"{target}: several results would get this name; give the inputs one by one")
            seen.add(target)
            plan.sources.append(source)
            plan.targets.append(target)
            plan.sizes.append(size)

    # Names as the store itself writes them, so that inputs and results can be compared.
    store, root = open_store(out)
    names = [store.unstrip_protocol(store._strip_protocol(target)) for target in plan.targets]
    taken = set(plan.sources).intersection(names)
    if taken:
        raise ConfigError(f"{min(taken)}: is an input, and would be written to; inputs are never modified")

    # One listing instead of a question for each result.
    there = {store.unstrip_protocol(name) for name in store.find(root)} if store.exists(root) else set()
    plan.finished = {place for place, name in enumerate(names) if name in there}

    return plan


def _find(text: str, *, recursive: bool) -> Iterator[tuple[str, str, int]]:
    """URL, path below the folder, and size of each picture and shard."""
    store, root = open_store(text)

    try:
        if store.isdir(root):
            entries = store.find(root, maxdepth=None if recursive else 1, detail=True)
        else:
            entries = {root: store.info(root)}
    except OSError as error:
        raise DataError(f"{text}: cannot be read: {error.strerror or error}") from error

    found = False
    for name in sorted(entries):
        path = PurePosixPath(name)
        if path.suffix.lower() in (*SUFFIXES, TAR) and not path.name.startswith("."):
            found = True
            relative = path.name if name == root else name[len(root.rstrip("/")) + 1 :]
            # Names in a store are anyone's; results must stay below the folder that was named.
            if ".." in PurePosixPath(relative).parts or PurePosixPath(relative).is_absolute():
                raise DataError(f"{text}: holds a name that leads out of it: {relative}; give the inputs one by one")
            yield store.unstrip_protocol(name), relative, int(entries[name].get("size") or 0)

    if not found:
        raise DataError(f"{text}: no pictures ({' '.join(SUFFIXES)}) and no tar files there")


def _result(relative: str, naming: OutputNaming) -> str:
    path = PurePosixPath(relative)
    if path.suffix.lower() == TAR:
        return str(path)
    return str(path.with_name(f"{path.stem}{naming.suffix or ''}{naming.ending}"))
