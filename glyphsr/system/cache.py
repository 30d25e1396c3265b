"""Where what was fetched or found out once is kept."""

import os
import tempfile
from pathlib import Path

import platformdirs


def cache_folder() -> Path:
    """``$GLYPHSR_CACHE``, else the user's cache directory, else, for a user without a home, one below the temporary."""
    given = os.environ.get("GLYPHSR_CACHE")
    if given:
        return Path(given)
    usual = Path(platformdirs.user_cache_dir("glyphsr"))
    if usual.is_absolute():
        return usual
    # Without $HOME and an entry in the user database, as in many containers, the tilde stays.
    return Path(tempfile.gettempdir()) / f"glyphsr-{os.getuid()}"


def make_private(folder: Path) -> Path:
    """Make a folder that only its user may look into; one that exists stays as it is.

    Raises:
        OSError: If it cannot be made.
    """
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
    return folder
