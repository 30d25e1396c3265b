"""Folders that are either whole or not there: built beside their place, then renamed."""

import os
import weakref
from collections.abc import Callable
from pathlib import Path

from glyphsr.errors import ConfigError, OutputError
from glyphsr.system.atomic_files import sweep, sync_folder, take_away

MARK = ".unfinished"
"""File in a folder that is being built; it says what from, so that an interrupted build can continue."""

Foreign = Callable[[Path], str | None]
"""Tells what in a folder this kind of build did not write; ``None`` if it wrote everything."""


def _hold(mark: Path) -> int | None:
    """Keep a second command out of a folder that is being built, as long as the descriptor is open.

    Returns:
        ``None`` where there are no locks.

    Raises:
        ConfigError: If another one is building there.
    """
    descriptor = os.open(mark, os.O_RDWR)
    try:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise ConfigError(
            f"{mark.parent}: another command is writing there; wait for it, or name another place"
        ) from None
    except (ImportError, OSError):  # Windows, where an open file also could not be moved; or a file system without
        os.close(descriptor)
        return None
    return descriptor


class FolderBuild:
    """A folder in the making, ``<name>.partial`` beside its final place.

    Args:
        path: The final folder; a link is followed.
        source: Describes what it is built from. Unfinished work on the same source continues, other work starts over.
        overwrite: Replace a folder that exists.
        foreign: Guards everything that is replaced or taken away.

    Raises:
        ConfigError: If something that is not ours is in the way, or the folder cannot be made.
    """

    def __init__(self, path: Path, *, source: str, overwrite: bool, foreign: Foreign) -> None:
        self.path, self.partial, self.old = self._places(path)

        self.check(path, overwrite=overwrite, foreign=foreign)

        self._lock: weakref.finalize[..., FolderBuild] | None = None
        try:
            self.resumes = self._start(source)
            """Whether what an interrupted build left is there."""
        except OSError as error:
            raise ConfigError(f"{self.partial}: cannot be made: {error.strerror or error}") from error

    @staticmethod
    def _places(path: Path) -> tuple[Path, Path, Path]:
        final = path.resolve()
        return final, final.with_name(f"{final.name}.partial"), final.with_name(f"{final.name}.old")

    @classmethod
    def check(cls, path: Path, *, overwrite: bool, foreign: Foreign) -> None:
        """Whether a folder could be built there, changing nothing.

        Raises:
            ConfigError: If something that is not ours is in the way.
        """
        final, partial, old = cls._places(path)
        if final.exists() and not overwrite:
            raise ConfigError(f"{path}: exists already; --overwrite replaces it")

        for folder in (final, old):
            other = foreign(folder) if folder.exists() else None
            if other is not None:
                raise ConfigError(f"{folder}: {other}; nothing is replaced")
        # A kill may come between making the folder and marking it; an empty one has nothing to lose.
        if partial.exists() and not (partial / MARK).is_file() and (not partial.is_dir() or any(partial.iterdir())):
            raise ConfigError(f"{partial}: is in the way and no unfinished work of this command; move it away")

    def _start(self, source: str) -> bool:
        mark = self.partial / MARK
        if mark.is_file():
            self._keep(mark)

        # Work of the same sources continues; anything else begins again.
        resumes = bool(source) and mark.is_file() and mark.read_text(encoding="utf-8") == source
        if not resumes:
            self.release()
            take_away(self.partial)
            self.partial.mkdir(parents=True)
            mark.write_text(source, encoding="utf-8")
            self._keep(mark)
        else:
            sweep(self.partial, everything=True)
        return resumes

    def _keep(self, mark: Path) -> None:
        descriptor = _hold(mark)
        if descriptor is not None:
            self._lock = weakref.finalize(self, os.close, descriptor)

    def release(self) -> None:
        """Let others build there."""
        if self._lock is not None:
            self._lock()

    def finish(self) -> None:
        """Give the folder its name; what it replaces goes last.

        Raises:
            OutputError: If it cannot be renamed.
        """
        try:
            # Old away, new in its place, then the rest: between two renames nothing is lost.
            if self.path.exists():
                self._forget(self.old)  # an interrupted run's, checked before
                self.path.rename(self.old)
            self.partial.rename(self.path)
            (self.path / MARK).unlink()
            sync_folder(self.path.parent)
            self.release()
            self._forget(self.old)
        except OSError as error:
            where = error.filename or self.path
            raise OutputError(f"{where}: cannot be given its name: {error.strerror or error}") from error

    def abandon(self) -> None:
        """Take away an unfinished folder that holds nothing worth continuing."""
        self.release()
        self._forget(self.partial)

    @staticmethod
    def _forget(folder: Path) -> None:
        take_away(folder)
