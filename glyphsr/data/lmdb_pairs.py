"""Reads TextZoom's LMDB layout: ``image_hr-%09d``, ``image_lr-%09d``, ``label-%09d``, ``num-samples``, from 1.

Sets for recognition (parseq, DTRB, MMOCR, PaddleOCR) have ``image-%09d`` instead of the two; they are HR words alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from glyphsr.errors import DataError
from glyphsr.safe_reading.limits import LABEL_BYTES, WORD_PIXELS
from glyphsr.safe_reading.lmdb_file import LmdbFile
from glyphsr.safe_reading.picture_header import check_picture, check_png_chunks
from glyphsr.types import Sample

cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # a damaged value is one line of ours on stderr

NUMBER_DIGITS = 9
PREFIXES = (b"image_hr-", b"image_lr-", b"label-", b"glyph_meta-")
"""Before the numbers of samples, of pairs and of glyph masks."""

TAIL = 32
"""Last bytes of a picture that stand for its content; a PNG's hold a checksum."""


def decode_rgb(encoded: bytes, where: str, *, upright: bool = True) -> NDArray[np.uint8]:
    """Picture bytes to ``(H, W, 3)`` uint8 RGB.

    Args:
        encoded: A PNG, JPEG or other picture file.
        where: Names it in messages.
        upright: Turn it as its EXIF orientation says.

    Raises:
        DataError: If the bytes are no readable picture, or one too large to decode.
    """
    # The header is judged first: a small file may claim a picture that fills the memory.
    declared = check_picture(encoded, where, DataError)
    check_png_chunks(encoded, where, DataError)
    WORD_PIXELS.check(declared.width * declared.height, where, DataError)
    flags = cv2.IMREAD_COLOR if upright else cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        image = cv2.imdecode(np.frombuffer(encoded, np.uint8), flags)
    except cv2.error:
        image = None
    if image is None:
        raise DataError(f"{where}: not a readable picture ({len(encoded)} bytes)")
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB, dst=image), np.uint8)


def decode_label(encoded: bytes, where: str) -> str:
    """A label as it is stored.

    Raises:
        DataError: If it is not UTF-8, or longer than any line of text.
    """
    LABEL_BYTES.check(len(encoded), where, DataError)
    try:
        return encoded.decode()
    except UnicodeDecodeError as error:
        raise DataError(f"{where}: not UTF-8: {encoded[:20]!r}") from error


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


_files: dict[Path, tuple[tuple[int, int], LmdbFile]] = {}
"""Open files, which all readers of one share: (inode, time), file."""


def close_deleted() -> None:
    """Close files that were deleted or replaced."""
    for path, ((inode, _), file) in list(_files.items()):
        try:
            is_there = (path / "data.mdb").stat().st_ino == inode
        except OSError:
            is_there = False
        if not is_there:
            file.close()
            del _files[path]


def _open(path: Path) -> LmdbFile:
    """The file of a folder, opened again if it was replaced."""
    try:
        status = (path / "data.mdb").stat()
    except OSError as error:
        check_folder(path)
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error

    # A set that was made again under the same name is another file.
    signature = (status.st_ino, status.st_mtime_ns)

    known = _files.get(path)
    if known is not None and known[0] == signature:
        return known[1]

    check_folder(path)
    close_deleted()
    file = LmdbFile(path / "data.mdb", path)
    _files[path] = (signature, file)
    return file


@dataclass(frozen=True)
class RawPair:
    """One sample as stored, nothing decoded."""

    hr: bytes
    lr: bytes | None
    """``None`` in sets for recognition."""
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

    def side_keys(self) -> dict[str, str]:
        """What the keys of each side begin with; sets for recognition have no ``lr``.

        Raises:
            DataError: If the environment cannot be opened.
        """
        # The first sample tells the layout of all.
        first = f"{1:0{NUMBER_DIGITS}d}"
        if self.get(f"image_hr-{first}") is None and self.get(f"image-{first}") is not None:
            return {"hr": "image"}
        return {"hr": "image_hr", "lr": "image_lr"}

    def check_sides(self) -> None:
        """Refuse a set without LR sides where pairs are wanted.

        Raises:
            DataError: Naming the way to make pairs of it.
        """
        if "lr" not in self.side_keys():
            raise DataError(
                f"{self.path}: a set for recognition ('image-%09d' keys), without LR sides; make pairs of it: "
                f"`glyphsr data export {self.path} -o WORDS`, then `glyphsr data make WORDS -o PAIRS`"
            )

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
        file = _open(self._folder)
        last = max(self._last(file, prefix) for prefix in PREFIXES)
        return min(last, file.most_entries)  # one key with a huge number must not stand for a million samples

    @staticmethod
    def _last(file: LmdbFile, prefix: bytes) -> int:
        """Greatest number after a prefix; keys that are no sample's are passed over."""
        for key in file.keys_below(prefix + b":"):  # ":" is after all digits
            number = key.removeprefix(prefix)
            if key.startswith(prefix) and len(number) == NUMBER_DIGITS and number.isdigit():
                return int(number)
            if key <= prefix:
                break
        return 0

    def get(self, key: str) -> bytes | None:
        """The value of any key, ``None`` where there is none.

        Raises:
            DataError: If the environment is damaged there.
        """
        return _open(self._folder).get(key.encode())

    def damages(self) -> list[str]:
        """What is wrong with the pages of the file, whatever is stored in them."""
        return _open(self._folder).check()

    def outline(self, count: int) -> Iterator[tuple[int, bytes, bytes]]:
        """Of the first samples the HR picture's size (-1 where there is none), its last 32 bytes, and the label."""
        file, prefix = _open(self._folder), self.side_keys()["hr"]
        for number in range(1, count + 1):
            size, tail = file.size_and_tail(f"{prefix}-{number:0{NUMBER_DIGITS}d}".encode(), TAIL) or (-1, b"")
            yield size, tail, file.get(f"label-{number:0{NUMBER_DIGITS}d}".encode()) or b""

    def __len__(self) -> int:
        """Samples that are there: what ``num-samples`` says, but none after the last one."""
        return min(self.declared(), self.last_number())

    def declared(self) -> int:
        """What ``num-samples`` says.

        Raises:
            DataError: If there is none, or no number that the layout can hold.
        """
        value = self.get("num-samples")
        if value is None:
            raise DataError(f"{self.path}: no 'num-samples' key; is this a TextZoom LMDB?")
        text = value.strip()
        if not text.isdigit() or len(text.lstrip(b"0")) > NUMBER_DIGITS:
            raise DataError(f"{self.path}: num-samples: expected a whole number, got {value[:20]!r}")
        return int(text.lstrip(b"0") or b"0")

    def raw(self, index: int) -> RawPair:
        """The stored bytes of sample ``index``, counted from 0 (its keys count from 1).

        Raises:
            DataError: If a key is missing.
        """
        sides = self.side_keys()
        names = [f"{part}-{index + 1:09d}" for part in (*sides.values(), "label")]
        file = _open(self._folder)
        values = [file.get(name.encode()) for name in names]
        for name, value in zip(names, values, strict=True):
            if value is None:
                remedy = "is this a TextZoom LMDB? `glyphsr data verify` lists all that is broken"
                raise DataError(f"{self.path}: no {name!r} key; {remedy}")

        present = [value for value in values if value is not None]
        return RawPair(present[0], present[1] if "lr" in sides else None, present[-1])

    def __getitem__(self, index: int) -> Sample:
        """Sample ``index``, counted from 0, in sets for recognition without LR side.

        Pictures are taken as stored, whatever their EXIF orientation says.
        """
        raw, number = self.raw(index), f"{index + 1:09d}"
        label = decode_label(raw.label, f"{self.path}: label-{number}")
        return Sample(
            id=self.where(index),
            hr=decode_rgb(raw.hr, f"{self.path}: {self.side_keys()['hr']}-{number}", upright=False),
            lr=None if raw.lr is None else decode_rgb(raw.lr, f"{self.path}: image_lr-{number}", upright=False),
            label=label,
        )
