"""Files that are either whole or not there: written to a temporary name, synced, renamed.

What a killed run leaves has one recognisable form and is taken away by the next one that writes into the same folder.
"""

import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from glyphsr.errors import OutputError

TEMPORARY = ".glyphsr-tmp-"
"""Begins the names of unfinished files, and of folders that are being taken away."""

LONGEST_SUFFIX = 16
"""Bytes of a file's ending that a temporary name repeats, since some writers go by it."""

_UMASK = os.umask(0o077)  # can only be read by setting it; done once, before there are threads
os.umask(_UMASK)

_swept: set[Path] = set()
"""Folders that this process has looked through."""


def is_temporary(path: Path) -> bool:
    """Whether a name is that of an unfinished file of ours; such a one is no input and no result."""
    return path.name.startswith(TEMPORARY)


def temporary_name(path: Path) -> Path:
    """A free name of the recognisable form beside a path."""
    suffix = path.suffix if len(os.fsencode(path.suffix)) <= LONGEST_SUFFIX else ""
    return path.with_name(f"{TEMPORARY}{secrets.token_hex(8)}{suffix}")


def _lock(descriptor: int) -> bool:
    """Hold a file as long as it is open; ``False`` if another process holds it."""
    try:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except (ImportError, OSError):  # Windows, or a file system without locks
        return True
    return True


def _create(path: Path) -> tuple[Path, int]:
    """A temporary file that no other process takes for one that was left behind."""
    while True:
        temporary = temporary_name(path)
        descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0), 0o600)
        with suppress(OSError):
            if _lock(descriptor) and temporary.stat().st_ino == os.fstat(descriptor).st_ino:
                return temporary, descriptor
        os.close(descriptor)  # another process looked through the folder at that very moment


def sync_folder(folder: Path) -> None:
    """Make sure that names in a folder survive a crash of the machine."""
    with suppress(OSError):  # not everywhere can a folder be opened
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def sweep(folder: Path, *, everything: bool = False) -> None:
    """Take away what killed runs left in a folder.

    Args:
        folder: To look through.
        everything: Also below it, and whoever holds it; for folders that are known to be ours alone.
    """
    with suppress(OSError):
        # A file that its writer still holds is not one that was left behind.
        for left in [*(folder.rglob if everything else folder.glob)(f"{TEMPORARY}*")]:
            if left.is_dir() and not left.is_symlink():
                shutil.rmtree(left, ignore_errors=True)
                continue
            with suppress(OSError):
                descriptor = os.open(left, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
                try:
                    if everything or (os.name == "posix" and _lock(descriptor)):
                        left.unlink()
                finally:
                    os.close(descriptor)


def take_away(folder: Path) -> None:
    """Remove a folder with all that is in it; a kill in between leaves nothing that stands under its name."""
    if folder.exists():
        trash = temporary_name(folder)
        folder.rename(trash)
        shutil.rmtree(trash)


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A temporary name in the same folder that becomes ``path`` when the block ends without an error.

    Args:
        path: The final name; replaced if it exists.

    Yields:
        The temporary name, with the same suffix; removed if the block raises.
    """
    # Once for each folder: what killed runs left there.
    if path.parent not in _swept:
        _swept.add(path.parent)
        sweep(path.parent)

    temporary, descriptor = _create(path)
    try:
        try:
            yield temporary
            # Content first, then the name: after a crash the name never stands for half a file.
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
            temporary.chmod(0o666 & ~_UMASK)
            temporary.replace(path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
    finally:
        os.close(descriptor)

    sync_folder(path.parent)


def check_writable(path: Path, option: str) -> None:
    """Whether a file could be written under a name, before the work that would fill it.

    Raises:
        OutputError: If nothing can be written there.
    """
    try:
        temporary, descriptor = _create(path)
        os.close(descriptor)
        temporary.unlink()
    except OSError as error:
        raise OutputError(f"{option} {path}: cannot be written: {error.strerror or error}") from error


def write_bytes(path: Path, content: bytes) -> None:
    """Write ``content`` to ``path`` so that the name only ever exists with all of it."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def write_with(path: Path, writer: Callable[[Path], object]) -> None:
    """Let ``writer`` write a temporary file that then becomes ``path``."""
    with atomic_path(path) as temporary:
        writer(temporary)
