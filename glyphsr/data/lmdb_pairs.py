"""Reads TextZoom's LMDB layout: ``image_hr-%09d``, ``image_lr-%09d``, ``label-%09d``, ``num-samples``, from 1."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import lmdb
import numpy as np
from numpy.typing import NDArray

from glyphsr.errors import DataError
from glyphsr.types import Sample

NUMBER_DIGITS = 9
MAX_SAMPLES = 10**NUMBER_DIGITS - 1
"""What the keys of the layout can number."""


TAIL = 32
"""Last bytes of a picture that stand for its content; a PNG's hold a checksum."""


def decode_rgb(encoded: bytes, where: str, *, upright: bool = True) -> NDArray[np.uint8]:
    """Picture bytes to ``(H, W, 3)`` uint8 RGB.

    Args:
        encoded: A PNG, JPEG or other picture file.
        where: Names it in messages.
        upright: Turn it as its EXIF orientation says.

    Raises:
        DataError: If the bytes are no readable picture.
    """
    array = np.frombuffer(encoded, np.uint8)
    flags = cv2.IMREAD_COLOR if upright else cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        image = cv2.imdecode(array, flags) if array.size else None
    except cv2.error:  # an absurd size in a damaged header
        image = None
    if image is None:
        raise DataError(f"{where}: not a readable picture ({len(encoded)} bytes)")
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB, dst=image), np.uint8)


def check_folder(path: Path) -> None:
    """Say what is wrong with a path that should be an LMDB.

    Raises:
        DataError: If it is a file, or a folder without ``data.mdb``, or not there.
    """
    if path.is_file():
        if path.name == "data.mdb":
            raise DataError(f"{path}: give the folder that holds it, {path.parent}")
        raise DataError(f"{path}: a file; an LMDB is a folder with data.mdb in it (put the file there under that name)")
    if not (path / "data.mdb").is_file():
        raise DataError(f"{path}: no LMDB here (no data.mdb)")


_environments: dict[Path, tuple[tuple[int, int], lmdb.Environment]] = {}
"""LMDB allows an environment to be open once per process, so all readers of one share it: (inode, time), handle."""


def close_deleted() -> None:
    """Close environments whose file was deleted or replaced: LMDB takes new files that get their numbers for them."""
    for path, ((inode, _), env) in list(_environments.items()):
        try:
            is_there = (path / "data.mdb").stat().st_ino == inode
        except OSError:
            is_there = False
        if not is_there:
            env.close()
            del _environments[path]


def _open(path: Path) -> lmdb.Environment:
    """The environment of a folder, opened again if its file was replaced."""
    try:
        status = (path / "data.mdb").stat()
    except OSError as error:
        check_folder(path)
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error
    signature = (status.st_ino, status.st_mtime_ns)
    known = _environments.get(path)
    if known is not None:
        if known[0] == signature:
            return known[1]
        known[1].close()
        del _environments[path]
    close_deleted()
    try:
        env = lmdb.open(os.fsencode(path), readonly=True, lock=False, readahead=False, meminit=False)
    except lmdb.Error as error:
        raise DataError(f"{path}: cannot open the LMDB ({error}); copy it again") from error
    # A page beyond the end of the file would not be an error but a crash of the process.
    needed = (env.info()["last_pgno"] + 1) * env.stat()["psize"]
    if status.st_size < needed:
        env.close()
        raise DataError(f"{path}: data.mdb is cut off at {status.st_size} of {needed} bytes; copy it again")
    _environments[path] = (signature, env)
    return env


@contextmanager
def _reading(path: Path, *, buffers: bool = False) -> Iterator[Any]:
    """A transaction that names the environment if it turns out to be damaged; ``buffers`` gives views, not bytes."""
    env = _open(path)
    try:
        with env.begin(buffers=True) if buffers else env.begin() as transaction:
            yield transaction
    except lmdb.Error as error:
        raise DataError(f"{path}: damaged ({error}); copy it again") from error


@dataclass(frozen=True)
class RawPair:
    """One sample as stored, nothing decoded."""

    hr: bytes
    lr: bytes
    label: bytes


class PairedLmdb:
    """LR/HR word pairs, opened read-only, without locks, and only when the first sample is asked for.

    Args:
        path: The environment's folder.

    Raises:
        DataError: From :meth:`__len__` and :meth:`__getitem__`, if the environment or a sample is missing or broken.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._folder = path.resolve()

    def where(self, index: int) -> str:
        """Name of a sample in messages and reports, e.g. ``easy/000017``."""
        return f"{self.path.name}/{index + 1:06d}"

    def fingerprint(self) -> str:
        """Changes whenever the file does.

        Raises:
            DataError: If it cannot be opened.
        """
        _open(self._folder)
        status = (self._folder / "data.mdb").stat()
        return f"{self._folder} {status.st_size} {status.st_mtime_ns}"

    def last_number(self) -> int:
        """Number of the last sample of which anything is there, whatever ``num-samples`` says; 0 for none.

        Raises:
            DataError: If the environment cannot be opened.
        """
        with _reading(self._folder) as transaction, transaction.cursor() as cursor:
            return max(self._last(cursor, prefix) for prefix in (b"image_hr-", b"image_lr-", b"label-"))

    @staticmethod
    def _last(cursor: lmdb.Cursor, prefix: bytes) -> int:
        """Greatest number behind a prefix; keys that are no sample's are passed over."""
        found = cursor.prev() if cursor.set_range(prefix + b":") else cursor.last()  # ":" is behind all digits
        while found and bytes(cursor.key()) > prefix:
            key = bytes(cursor.key())
            number = key.removeprefix(prefix)
            if key.startswith(prefix) and len(number) == NUMBER_DIGITS and number.isdigit():
                return int(number)
            found = cursor.prev()
        return 0

    def get(self, key: str) -> bytes | None:
        """The value of any key, ``None`` where there is none."""
        with _reading(self._folder) as transaction:
            value = transaction.get(key.encode())
        return None if value is None else bytes(value)

    def outline(self, count: int) -> Iterator[tuple[int, bytes, bytes]]:
        """Of the first samples the HR picture's size (-1 where there is none), its last 32 bytes, and the label."""
        with _reading(self._folder, buffers=True) as transaction:
            for number in range(1, count + 1):
                picture = transaction.get(f"image_hr-{number:0{NUMBER_DIGITS}d}".encode())
                label = transaction.get(f"label-{number:0{NUMBER_DIGITS}d}".encode())
                size, tail = (-1, b"") if picture is None else (len(picture), bytes(picture[-TAIL:]))
                yield size, tail, b"" if label is None else bytes(label)

    def __len__(self) -> int:
        value = self.get("num-samples")
        if value is None:
            raise DataError(f"{self.path}: no 'num-samples' key; is this a TextZoom LMDB?")
        try:
            count = int(value)
        except ValueError:
            count = -1
        if not 0 <= count <= MAX_SAMPLES:
            raise DataError(f"{self.path}: num-samples: expected a whole number, got {value[:20]!r}")
        return count

    def raw(self, index: int) -> RawPair:
        """The stored bytes of sample ``index``, counted from 0 (its keys count from 1).

        Raises:
            DataError: If a key is missing.
        """
        names = [f"{part}-{index + 1:09d}" for part in ("image_hr", "image_lr", "label")]
        with _reading(self._folder) as transaction:
            values = [transaction.get(name.encode()) for name in names]
        for name, value in zip(names, values, strict=True):
            if value is None:
                hint = "is this a TextZoom LMDB? `glyphsr data verify` lists all that is broken"
                raise DataError(f"{self.path}: no {name!r} key; {hint}")
        hr, lr, label = (bytes(value) for value in values if value is not None)
        return RawPair(hr, lr, label)

    def __getitem__(self, index: int) -> Sample:
        """Sample ``index``, counted from 0; pictures are taken as stored, whatever their EXIF orientation says."""
        raw, number = self.raw(index), f"{index + 1:09d}"
        try:
            label = raw.label.decode()
        except UnicodeDecodeError as error:
            raise DataError(f"{self.path}: label-{number}: not UTF-8: {raw.label[:20]!r}") from error
        return Sample(
            id=self.where(index),
            hr=decode_rgb(raw.hr, f"{self.path}: image_hr-{number}", upright=False),
            lr=decode_rgb(raw.lr, f"{self.path}: image_lr-{number}", upright=False),
            label=label,
        )
