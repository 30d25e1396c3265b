"""Files that are either whole or not there: written to a temporary name, synced, renamed."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_UMASK = os.umask(0o077)  # can only be read by setting it; done once, before there are threads
os.umask(_UMASK)


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A temporary name in the same folder that becomes ``path`` when the block ends without an error.

    Args:
        path: The final name; replaced if it exists.

    Yields:
        The temporary name, with the same suffix; removed if the block raises.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.chmod(0o666 & ~_UMASK)  # mkstemp's files are private
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


def write_bytes(path: Path, content: bytes) -> None:
    """Write ``content`` to ``path`` so that the name only ever exists with all of it."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def write_with(path: Path, writer: Callable[[Path], object]) -> None:
    """Let ``writer`` write a temporary file that then becomes ``path``."""
    with atomic_path(path) as temporary:
        writer(temporary)
