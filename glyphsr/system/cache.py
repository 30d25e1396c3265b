"""Where what was fetched or found out once is kept."""

import functools
import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

import platformdirs


def cache_folder() -> Path:
    """``$GLYPHSR_CACHE``, else the user's cache directory, else, for a user without a home, one below the temporary."""
    given = os.environ.get("GLYPHSR_CACHE")
    if given:
        return Path(given)
    # Without $HOME and an entry in the user database, as in many containers, the tilde stays, or is an error.
    with suppress(RuntimeError):
        usual = Path(platformdirs.user_cache_dir("glyphsr"))
        if usual.is_absolute():
            return usual
    return _below_temporary(os.getuid())


@functools.cache
def _below_temporary(user: int) -> Path:
    """A folder where everybody may make folders: the user's own and nobody else's, or a new one for this process."""
    # Somebody else may have made a folder of that name first; weights from it could be anything.
    folder = Path(tempfile.gettempdir()) / f"glyphsr-{user}"
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    status = folder.lstat()
    if stat.S_ISDIR(status.st_mode) and status.st_uid == user and not status.st_mode & 0o077:
        return folder
    return Path(tempfile.mkdtemp(prefix=f"glyphsr-{user}-"))


def make_private(folder: Path) -> Path:
    """Make a folder that only its user may look into; one that exists stays as it is.

    Raises:
        OSError: If it cannot be made.
    """
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
    return folder
