"""Where what was fetched or found out once is kept."""

import os
from pathlib import Path

import platformdirs


def cache_folder() -> Path:
    """``$GLYPHSR_CACHE``, else the user's cache directory."""
    given = os.environ.get("GLYPHSR_CACHE")
    return Path(given) if given else Path(platformdirs.user_cache_dir("glyphsr"))


def make_private(folder: Path) -> Path:
    """Make a folder that only its user may look into; one that exists stays as it is.

    Raises:
        OSError: If it cannot be made.
    """
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
    return folder
