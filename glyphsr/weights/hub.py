"""The user's store of weights: found, fetched, converted, checked."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from glyphsr.errors import WeightsError
from glyphsr.system.cache import cache_folder
from glyphsr.weights.hashes import check, known_hashes, remember
from glyphsr.weights.registry import (
    BUNDLED_FOLDER,
    Entry,
    cached_path,
    entries,
    entry,
    is_file_name,
    local_weights,
    sha256_of,
    where_to_get,
)

if TYPE_CHECKING:
    from glyphsr.weights.download import DownloadProgress

DOWNLOADS = "downloads"
"""Folder of the cache that keeps published files as they came."""


Status = Literal["bundled", "cached", "not here"]


@dataclass(frozen=True)
class StoredWeights:
    """One row of ``glyphsr models list``."""

    name: str
    entry: Entry
    status: Status
    path: Path | None


@dataclass(frozen=True)
class Verification:
    """Whether a stored file still is what was stored."""

    name: str
    path: Path
    ok: bool
    message: str


def list_weights() -> list[StoredWeights]:
    """Every row of the registry and where its weights are on this machine."""
    rows = []
    for name, row in entries().items():
        path = local_weights(name)
        status: Status = "not here" if path is None else "bundled" if path.parent == BUNDLED_FOLDER else "cached"
        rows.append(StoredWeights(name, row, status, path))
    return rows


def resolve(name: str | Path, *, offline: bool = False, progress: "DownloadProgress | None" = None) -> Path:
    """The file that a path or a name stands for; fetched where it is not here and has a stable address.

    Raises:
        WeightsError: If it is not available; the message says where it comes from.
    """
    found = local_weights(name)
    if found is not None:
        _check(str(name), found)
        return found

    row = entry(str(name))
    if row.source != "download" or offline:
        why = "no weights here (offline)" if row.source == "download" else "no weights here"
        raise WeightsError(f"{name}: {why}; {where_to_get(str(name))}")
    return download(str(name), progress=progress)


def download(name: str, *, progress: "DownloadProgress | None" = None) -> Path:
    """Fetch published weights into the cache, check their hash and convert them.

    Raises:
        WeightsError: If they have no stable address, cannot be fetched, or are not what they should be.
    """
    row = entry(name)
    found = local_weights(name)
    if found is not None:
        return found
    if row.url is None or row.file is None:
        raise WeightsError(f"{name}: {where_to_get(name)}")
    from glyphsr.weights.download import one_at_a_time  # requests and pooch load here: finding weights stays instant

    with one_at_a_time(cached_path(name)):
        found = local_weights(name)  # another process may have stored it while this one waited
        return found if found is not None else _store(name, row.url, row.file, row, progress)


def _store(name: str, url: str, file: str, row: Entry, progress: "DownloadProgress | None") -> Path:
    from glyphsr.weights.download import fetch

    target = cached_path(name)
    if row.kind == "segmenter":
        fetch(url, target, sha256=row.sha256, progress=progress)
        remember(target)
        return target
    # The published file stays: a later version may convert it again.
    downloaded = fetch(url, cache_folder() / DOWNLOADS / file, sha256=row.sha256, progress=progress)
    from glyphsr.weights.convert import convert  # torch loads here, so that listing and finding weights stay instant

    return convert(downloaded, name, out=target)


def _expected(name: str, path: Path) -> str | None:
    """The hash that weights of a name were stored or shipped with, as far as it is known."""
    row = entries().get(name)
    if row is not None and (path.parent == BUNDLED_FOLDER or row.kind == "segmenter"):
        return row.sha256
    return known_hashes().get(path.name)


def _remedy(path: Path) -> str:
    return "install the package again" if path.parent == BUNDLED_FOLDER else "delete it and store it again"


def _check(name: str, path: Path) -> None:
    """Refuse weights that are not what was stored under their name; a file that is named itself is its user's own."""
    expected = None if is_file_name(name) else _expected(name, path)
    if expected is not None:
        check(path, expected, _remedy(path))


def verify(names: Sequence[str] = ()) -> list[Verification]:
    """Compare stored files with the hashes they were stored with, or were shipped with.

    Args:
        names: Which; all that are on this machine by default.

    Raises:
        WeightsError: If a named one is unknown or not here.
    """
    chosen = names or [row.name for row in list_weights() if row.path is not None]
    return [_verify_one(name) for name in chosen]


def _verify_one(name: str) -> Verification:
    entry(name)
    path = local_weights(name)
    if path is None:
        raise WeightsError(f"{name}: no weights here; {where_to_get(name)}")

    expected = _expected(name, path)
    if expected is None:
        return Verification(name, path, ok=True, message="no hash is known of it")

    found = sha256_of(path)
    if found.startswith(expected):
        return Verification(name, path, ok=True, message=f"SHA-256 {found[:16]} as stored")

    message = f"SHA-256 {found[:16]}, expected {expected[:16]}; {_remedy(path)}"
    return Verification(name, path, ok=False, message=message)
