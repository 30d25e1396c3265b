"""Reads the bytes of regular files, up to a limit for each kind of file."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import IO

from glyphsr.errors import DataError, GlyphSRError
from glyphsr.safe_reading.limits import Limit

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def _check_regular(mode: int, path: Path, error: type[GlyphSRError]) -> None:
    if not stat.S_ISREG(mode):
        raise error(f"{path}: {_KINDS.get(stat.S_IFMT(mode), 'no file')}; expected a regular file")


@contextmanager
def open_regular(path: Path, error: type[GlyphSRError] = DataError) -> Iterator[BufferedReader]:
    """Open a regular file for reading bytes. Pipes and devices, which may never end, are refused without opening them.

    Raises:
        GlyphSRError: Of the given class, if it is missing, unreadable or no regular file.
    """
    try:
        # Before opening: a pipe would wait for a writer.
        _check_regular(path.stat().st_mode, path, error)
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except OSError as problem:
        raise error(f"{path}: {problem.strerror or problem}") from problem
    except ValueError as problem:  # a zero byte or a lone surrogate
        raise error(f"{str(path)!r}: no name that a file can have ({problem})") from problem

    with os.fdopen(descriptor, "rb") as file:
        _check_regular(os.fstat(descriptor).st_mode, path, error)  # it may be another one by now
        try:
            yield file
        except OSError as problem:
            raise error(f"{path}: {problem.strerror or problem}") from problem


def read_content(path: Path, limit: Limit, error: type[GlyphSRError] = DataError) -> bytes:
    """Read a regular file whole.

    Args:
        path: A regular file, or a link to one.
        limit: Largest size that is read.
        error: Class of the exceptions.

    Raises:
        GlyphSRError: Of the given class, if it is missing, unreadable, no regular file, or too large.
    """
    with open_regular(path, error) as file:
        size = os.fstat(file.fileno()).st_size
        limit.check(size, path, error)
        return file.read(size)


def read_stream(stream: IO[bytes], limit: Limit, where: str, error: type[GlyphSRError] = DataError) -> bytes:
    """Read a stream to its end.

    Raises:
        GlyphSRError: Of the given class, if it is more than the limit.
    """
    parts, size = [], 0
    while part := stream.read(1 << 20):
        parts.append(part)
        size += len(part)
        limit.check(size, where, error)
    return b"".join(parts)
