"""Hashes of the files that were stored in the cache."""

import json
from pathlib import Path

from glyphsr.system.atomic_files import write_bytes
from glyphsr.system.cache import cache_folder
from glyphsr.weights.registry import sha256_of

HASHES = "hashes.json"
"""File of the cache with the hash of every file that we stored in it."""


def known_hashes() -> dict[str, str]:
    """SHA-256 by file name; empty where nothing was stored yet."""
    listing = cache_folder() / HASHES
    try:
        return {str(key): str(value) for key, value in json.loads(listing.read_text(encoding="utf-8")).items()}
    except (OSError, ValueError, AttributeError):
        return {}


def remember(path: Path) -> None:
    """Write down the hash of a file that was just stored."""
    hashes = known_hashes() | {path.name: sha256_of(path)}
    write_bytes(cache_folder() / HASHES, json.dumps(hashes, indent=2).encode())
