"""Writes TextZoom's LMDB layout: growing, all or nothing, and continuing where an interrupted run stopped."""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import cv2
import lmdb
import numpy as np
from numpy.typing import NDArray

from glyphsr.data.lmdb_pairs import NUMBER_DIGITS, close_deleted
from glyphsr.errors import DataError, OutputError
from glyphsr.safe_reading.lmdb_file import LmdbFile
from glyphsr.system.staged_folder import MARK, FolderBuild
from glyphsr.types import Sample

FIRST_MAP_SIZE = 1 << 24
"""Bytes that a new environment may hold; doubled whenever it is full."""

LMDB_FILES = ("data.mdb", "lock.mdb")


def encode_png(image: NDArray[np.uint8]) -> bytes:
    """``(H, W, 3)`` uint8 RGB to PNG bytes."""
    _, encoded = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    return encoded.tobytes()


def _foreign(folder: Path) -> str | None:
    """What makes a folder more, or less, than an LMDB."""
    if not (folder / "data.mdb").is_file():
        return "is no LMDB"
    others = sorted(entry.name for entry in folder.iterdir() if entry.name not in (*LMDB_FILES, MARK))
    return f"holds {others[0]} beside the LMDB" if others else None


class LmdbWriter:
    """An environment that gets its name when it is complete.

    Samples are numbered from 1 in the order they are added. An unfinished one stays beside its final place as
    ``<name>.partial``; the same source then continues after the last committed sample.

    Args:
        path: Final folder.
        source: Describes what it is made from; an unfinished one made from something else is started over.
        overwrite: Replace a folder that exists.

    Raises:
        ConfigError: If ``path`` exists and may not be replaced, or something that is not ours is in the way.
    """

    COMMIT_EVERY = 256

    def __init__(self, path: Path, *, source: str = "", overwrite: bool = False) -> None:
        self.path = path
        self._source = source
        self._build = FolderBuild(path, source=source, overwrite=overwrite, foreign=_foreign)

        self._map_size = FIRST_MAP_SIZE

        with self._writing():
            self._env = self._open(self._build.partial)

        self._pending: dict[bytes, bytes] = {}
        self._pending_samples = 0
        # An interrupted run says here how far it came.
        with self._env.begin() as transaction:
            stored = bytes(transaction.get(b"num-samples") or b"0")
            self.count = int(stored) if stored.isdigit() and len(stored) <= NUMBER_DIGITS else 0
            """Samples that are in it."""

    @staticmethod
    def check(path: Path, *, overwrite: bool) -> None:
        """Whether an environment can be written there, before there is anything to write.

        Raises:
            ConfigError: As the constructor.
        """
        FolderBuild.check(path, overwrite=overwrite, foreign=_foreign)

    def _open(self, folder: Path) -> lmdb.Environment:
        def attempt() -> lmdb.Environment:
            # Without LMDB's own lock file, which it maps: a full disk would end the process. The folder is held anyway.
            return lmdb.open(os.fsencode(folder), map_size=self._map_size, lock=False, meminit=False)

        close_deleted()
        try:
            self._check_left(folder)
            env = attempt()
        except (lmdb.Error, DataError):  # left by a crash; nothing in it is worth keeping
            for name in LMDB_FILES:
                (folder / name).unlink(missing_ok=True)
            env = attempt()
        self._map_size = max(self._map_size, env.info()["map_size"])
        return env

    @staticmethod
    def _check_left(folder: Path) -> None:
        """Refuse what an interrupted run left in pieces: LMDB would follow every number in it.

        Raises:
            DataError: If it is damaged.
        """
        if (folder / "data.mdb").exists():
            problems = LmdbFile(folder / "data.mdb", folder).check()
            if problems:
                raise DataError(problems[0])

    def add(self, *, hr: bytes, lr: bytes, label: str, extra: Mapping[str, bytes] | None = None) -> None:
        """Append one sample.

        Args:
            hr: Encoded HR picture.
            lr: Encoded LR picture.
            label: Its text.
            extra: Further values by key name without number, e.g. ``file_hr``.
        """
        self.put({"image_hr": hr, "image_lr": lr, "label": label.encode(), **(extra or {})})

    def put(self, values: Mapping[str, bytes]) -> None:
        """Append the values of one sample.

        Args:
            values: By key name without number.
        """
        number = f"{self.count + 1:09d}"
        self._pending |= {f"{name}-{number}".encode(): value for name, value in values.items()}
        self.count += 1
        self._pending_samples += 1
        if self._pending_samples >= self.COMMIT_EVERY:
            self.commit()

    def note(self, key: str, value: bytes) -> None:
        """Set a value that belongs to no sample."""
        self._pending[key.encode()] = value

    def commit(self) -> None:
        """Write what was added so far; a kill can no longer lose it."""
        # Samples and their number in one transaction: the number never promises more than there is.
        values = self._pending | {b"num-samples": str(self.count).encode()}

        with self._writing():
            while True:
                try:
                    with self._env.begin(write=True) as transaction:
                        for key, value in values.items():
                            transaction.put(key, value)
                    break
                except lmdb.MapFullError:  # the transaction is undone
                    self._map_size *= 2
                    self._env.set_mapsize(self._map_size)

        self._pending, self._pending_samples = {}, 0

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Turn what goes wrong, most of all a full disk, into one line."""
        try:
            yield
        except lmdb.Error as error:
            raise OutputError(f"{self.path}: cannot be written: {error}") from error
        except OSError as error:
            raise OutputError(f"{self.path}: cannot be written: {error.strerror or error}") from error

    def finish(self) -> None:
        """Commit the rest and give the environment its name."""
        self.commit()
        with self._writing():
            self._env.sync(True)
            self._env.close()
            (self._build.partial / "lock.mdb").unlink(missing_ok=True)
        self._build.finish()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish, or, on an error, keep what is committed for the next run of the same source."""
        if kind is None:
            try:
                self.finish()
            except OutputError:
                self._give_up()
                raise
        else:
            with suppress(OutputError):  # a full disk; the error that led here says so
                self.commit()
            self._give_up()

    def _give_up(self) -> None:
        self._env.close()
        # Without samples or a source there is nothing that a later run could continue.
        if not self.count or not self._source:
            self._build.abandon()
        self._build.release()


def write_pairs(path: Path, samples: Iterable[Sample], *, overwrite: bool = False) -> int:
    """Write decoded samples that have both sides as a TextZoom LMDB.

    Args:
        path: Folder of the new environment.
        samples: Samples with ``lr``.
        overwrite: Replace a folder that exists.

    Returns:
        How many were written.

    Raises:
        ValueError: If a sample has no LR side.
        ConfigError: If ``path`` exists and may not be replaced.
    """
    with LmdbWriter(path, overwrite=overwrite) as writer:
        for sample in samples:
            if sample.lr is None:
                raise ValueError(f"{sample.id}: expected an LR side")
            writer.add(hr=encode_png(sample.hr), lr=encode_png(sample.lr), label=sample.label)
    return writer.count
