"""HR word images with their texts, from LMDBs or folders; glyph extraction reads them."""

import hashlib
import os
from pathlib import Path
from typing import Protocol

from glyphsr.data.label_files import find_label_file, from_names, label_from_name, read_labels
from glyphsr.data.lmdb_pairs import TAIL, PairedLmdb, check_folder, decode_label, decode_rgb
from glyphsr.errors import DataError
from glyphsr.images.formats import SUFFIXES
from glyphsr.safe_reading.content import open_regular, read_content
from glyphsr.safe_reading.limits import PICTURE_BYTES
from glyphsr.types import Sample


class HrWords(Protocol):
    """A numbered collection of HR images and texts."""

    path: Path

    def __len__(self) -> int:
        """How many."""
        ...

    def read(self, index: int) -> Sample:
        """Sample ``index``, counted from 0, without LR side.

        Raises:
            DataError: If its picture or text cannot be read.
        """
        ...

    @property
    def shortfall(self) -> str | None:
        """Message for the user if the set holds fewer samples than it declares, else ``None``."""
        ...

    def fingerprint(self) -> str:
        """Digest of the texts, the file sizes and the last bytes of each file; the same wherever the set is stored."""
        ...


class LmdbWords:
    """HR images of a TextZoom LMDB, or images of an LMDB for recognition. LR images are not read.

    Args:
        path: The environment's folder.

    Raises:
        DataError: If it cannot be opened or has no ``num-samples``.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.pairs = PairedLmdb(path)
        self._declared = self.pairs.declared()
        # Missing keys are reported once for the set, not once for each sample.
        self._count = len(self.pairs)

    @property
    def shortfall(self) -> str | None:
        """As :attr:`HrWords.shortfall`."""
        if self._count == self._declared:
            return None
        return f"{self.path}: num-samples says {self._declared}, {self._count} are there; is the copy complete?"

    def __len__(self) -> int:
        return self._count

    def read(self, index: int) -> Sample:
        """As :meth:`HrWords.read`."""
        number, prefix = f"{index + 1:09d}", self.pairs.side_keys()["hr"]
        encoded, label = self.pairs.get(f"{prefix}-{number}"), self.pairs.get(f"label-{number}")
        if encoded is None or label is None:
            missing = prefix if encoded is None else "label"
            raise DataError(f"{self.path}: no '{missing}-{number}' key")

        text = decode_label(label, f"{self.path}: label-{number}")
        hr = decode_rgb(encoded, f"{self.path}: {prefix}-{number}", upright=False)
        return Sample(id=self.pairs.where(index), hr=hr, label=text)

    def fingerprint(self) -> str:
        """As :meth:`HrWords.fingerprint`."""
        digest = hashlib.sha256(str(self._count).encode())
        for size, tail, label in self.pairs.outline(self._count):
            digest.update(f"{size} {len(label)} ".encode() + tail + label)
        return digest.hexdigest()


class FolderWords:
    """A folder of HR images with a label file, or with the texts as file names.

    Args:
        path: The folder; its label file has one of the formats of ``glyphsr data make``.

    Raises:
        DataError: If it holds no pictures, or its label file is malformed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        labels = find_label_file(path)
        if labels is not None:
            rows = [(row.path, row.text) for row in read_labels(labels)]
        else:
            # Without a label file the names carry the texts.
            names = sorted(
                p.name
                for p in path.iterdir()
                if p.suffix.lower() in SUFFIXES and not p.name.startswith(".") and p.is_file()
            )
            rows = [(name, label_from_name(Path(name).stem)) for name in names]

        self.rows = rows
        self.shortfall: str | None = None if labels is not None or not rows else from_names(path, *rows[0])

        if not rows:
            raise DataError(f"{path}: no LMDB (no data.mdb), no label file and no pictures in it")

    def __len__(self) -> int:
        return len(self.rows)

    def read(self, index: int) -> Sample:
        """As :meth:`HrWords.read`."""
        name, label = self.rows[index]
        file = self._find(name)
        encoded = read_content(file, PICTURE_BYTES)
        return Sample(id=f"{self.path.name}/{name}", hr=decode_rgb(encoded, str(file), upright=False), label=label)

    def _find(self, name: str) -> Path:
        """Path of an image: in ``hr/`` of the folder, where ``glyphsr data export`` writes it, else in the folder."""
        below = self.path / "hr" / name
        return below if below.is_file() else self.path / name

    def _outline(self, name: str) -> tuple[int, bytes]:
        try:
            with open_regular(self._find(name)) as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(0, size - TAIL))
                return size, file.read()
        except (DataError, OSError, ValueError):
            return -1, b""

    def fingerprint(self) -> str:
        """As :meth:`HrWords.fingerprint`."""
        digest = hashlib.sha256(str(len(self.rows)).encode())
        for name, label in self.rows:
            # Size and last bytes: quick, and a PNG's end holds a checksum of its pixels.
            size, tail = self._outline(name)
            digest.update(f"{size} {name}\0{label}\0".encode(errors="surrogatepass") + tail)
        return digest.hexdigest()


def open_hr_words(path: Path) -> HrWords:
    """Open an LMDB, or a folder of images.

    Raises:
        DataError: If it is neither.
    """
    if (path / "data.mdb").is_file():
        return LmdbWords(path)
    if path.is_dir():
        return FolderWords(path)
    check_folder(path)
    raise DataError(f"{path}: no such LMDB or folder")
