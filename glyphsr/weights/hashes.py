"""Hashes of the files that were stored in the cache, and whether a file still is what was stored or shipped."""

import json
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from glyphsr.errors import GlyphSRError, WeightsError
from glyphsr.safe_reading.text_files import read_json
from glyphsr.system.atomic_files import write_bytes
from glyphsr.system.cache import cache_folder, make_private
from glyphsr.weights.registry import sha256_of

HASHES = "hashes.json"
"""File of the cache with the hash of every file that we stored in it."""

CHECKED = "checked.json"
"""File of the cache with size, times and hash of every file that was compared."""

LOCK_WAIT_S = 10


def _read(name: str) -> dict[str, Any]:
    try:
        found = read_json(cache_folder() / name)
    except GlyphSRError:
        return {}
    return found if isinstance(found, dict) else {}


def _add(name: str, key: str, value: Any) -> None:
    """Change one entry, whatever other processes change at the same time."""
    folder = make_private(cache_folder())
    with FileLock(folder / f"{name}.lock", timeout=LOCK_WAIT_S):
        write_bytes(folder / name, json.dumps(_read(name) | {key: value}, indent=2).encode())


def known_hashes() -> dict[str, str]:
    """SHA-256 by file name; empty where nothing was stored yet."""
    return {key: str(value) for key, value in _read(HASHES).items()}


def remember(path: Path) -> None:
    """Write down the hash of a file that was just stored."""
    _add(HASHES, path.name, sha256_of(path))


def check(path: Path, expected: str, remedy: str) -> None:
    """Refuse a file that is not what was stored or shipped; one that was compared and did not change is not read again.

    Args:
        path: The file.
        expected: Its SHA-256, or the first digits where no more is known.
        remedy: What would be right, for the message.

    Raises:
        WeightsError: If it has another hash.
    """
    status = path.stat()
    # Size and times change with the content; hashing gigabytes at each start would take seconds.
    stamp = [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino, expected]
    if _read(CHECKED).get(str(path)) == stamp:
        return

    found = sha256_of(path)
    if not found.startswith(expected):
        raise WeightsError(f"{path}: has SHA-256 {found[:16]}..., expected {expected[:16]}...; {remedy}")
    try:
        _add(CHECKED, str(path), stamp)
    except (OSError, Timeout, NotImplementedError):  # a cache without locks, or read-only
        return  # compared again next time
