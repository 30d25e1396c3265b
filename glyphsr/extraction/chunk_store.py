"""The unfinished half of an extraction: finished chunks in a folder, one file each, until all of them are there."""

import errno
import fnmatch
import glob
import io
import json
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glyphsr.data.glyph_lmdb import CHARS, LINE, MANIFEST, META, as_json, number_of
from glyphsr.data.lmdb_writer import LmdbWriter
from glyphsr.errors import ConfigError, DataError
from glyphsr.safe_reading.text_files import read_json
from glyphsr.system.atomic_files import write_bytes

COMPARED = ("format_number", "source", "segmenter", "localizer", "parameters")
"""Parts of a manifest that must be equal for results to stand in one set."""

FORMER_NAMES = {"max_line_share": "max_line_fraction"}
"""Parameters in manifests of earlier versions, and their names in this one."""

LOCK = ".merging"
TRASH = ".trash"
CHUNKS = "words-*-*.zip"
"""Names of chunk files."""

DAMAGES = (zipfile.BadZipFile, zlib.error, KeyError, ValueError, EOFError, NotImplementedError, RuntimeError)
"""What reading a damaged archive may raise, depending on which byte is wrong."""


class DamagedChunkError(DataError):
    """A chunk that cannot be read back; it is deleted and has to be made again."""


def difference(found: Mapping[str, Any], wanted: Mapping[str, Any], prefix: str = "") -> str | None:
    """The first setting in which two manifests differ, ``None`` if there is none that matters.

    Example:
        >>> difference({"parameters": {"threshold": 0.8}}, {"parameters": {"threshold": 0.9}})
        'parameters.threshold is 0.8 there, 0.9 here'
    """
    # Manifests of earlier versions are read under today's names.
    found = {FORMER_NAMES.get(key, key): value for key, value in found.items()}
    for key in sorted({*found, *wanted}) if prefix else COMPARED:
        own, other = found.get(key), wanted.get(key)
        name = f"{prefix}{key}"
        if isinstance(own, Mapping) and isinstance(other, Mapping):
            below = difference(own, other, f"{name}.")
            if below:
                return below
        elif own != other:
            return f"{name} is {json.dumps(own)} there, {json.dumps(other)} here"
    return None


@dataclass(frozen=True)
class ChunkStore:
    """Chunks of one set, written by any number of processes in any order.

    Chunk ``c`` holds the words ``c * size .. (c + 1) * size - 1``; which words share a chunk depends on nothing else,
    so shards, interruptions and numbers of processes leave no trace.

    Args:
        path: The folder.
        samples: Words in the set.
        size: Words per chunk.
    """

    path: Path
    samples: int
    size: int

    @property
    def count(self) -> int:
        """Chunks of the whole set."""
        return -(-self.samples // self.size)

    def chunk_file(self, chunk: int) -> Path:
        """Where a chunk is kept; the name says which words are in it, counted from 1."""
        words = self.words(chunk)
        return self.path / f"words-{words.start + 1:09d}-{words.stop:09d}.zip"

    def words(self, chunk: int) -> range:
        """Indices of a chunk's words."""
        return range(chunk * self.size, min((chunk + 1) * self.size, self.samples))

    def open(self, manifest: Mapping[str, Any], *, overwrite: bool) -> None:
        """Begin, or continue what is there.

        Raises:
            ConfigError: If other parameters made what is there, or something else is in the way.
        """
        # A folder that is not ours is never emptied.
        listing = self.path / MANIFEST
        if self.path.exists() and not self._is_ours():
            raise ConfigError(f"{self.path}: is in the way and no unfinished extraction; move it away")

        other = self.differs(manifest) if listing.is_file() else None
        if listing.is_file() and other is None:
            return

        if other is not None and self._has_chunks():  # else nothing is lost, and no reason to refuse
            if not overwrite:
                raise ConfigError(f"{self.path}: unfinished, with other parameters: {other}; --overwrite starts over")
            self.remove()
            if self.path.exists():
                raise ConfigError(f"{self.path}: was begun again by another process; run one at a time")

        try:
            self.path.mkdir(parents=True, exist_ok=True)
            write_bytes(listing, as_json(manifest))
        except OSError as error:
            raise ConfigError(f"{self.path}: cannot be written: {error.strerror or error}; -o says where to") from error

    def _is_ours(self) -> bool:
        if not self.path.is_dir():
            return False
        # Only what we write ourselves may lie in it.
        names = [entry.name for entry in self.path.iterdir() if not entry.name.startswith(".")]
        return all(name == MANIFEST or fnmatch.fnmatch(name, CHUNKS) for name in names)

    def _has_chunks(self) -> bool:
        return next(self.path.glob(CHUNKS), None) is not None

    def differs(self, manifest: Mapping[str, Any]) -> str | None:
        """How the parameters of what is there differ from a manifest's, ``None`` if they do not."""
        try:
            found = dict(read_json(self.path / MANIFEST))
        except (DataError, ValueError, TypeError):
            return "its manifest is damaged"
        return difference(found, manifest)

    def missing(self, shard: tuple[int, int] = (1, 1)) -> list[int]:
        """Chunks of a shard, ``I`` of ``N`` counted from 1, that are not there yet."""
        number, total = shard
        return [chunk for chunk in range(number - 1, self.count, total) if not self.chunk_file(chunk).is_file()]

    def write(self, chunk: int, words: Sequence[Mapping[str, bytes]]) -> None:
        """Keep a chunk, all of it or nothing."""
        buffer = io.BytesIO()
        # PNGs are packed already. Fixed dates and order: equal masks are equal bytes.
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
            for index, values in zip(self.words(chunk), words, strict=True):
                for name, value in sorted(values.items()):
                    archive.writestr(zipfile.ZipInfo(f"{name}-{number_of(index)}"), value)
        write_bytes(self.chunk_file(chunk), buffer.getvalue())

    def read(self, chunk: int) -> Iterator[dict[str, bytes]]:
        """Values of each word of a chunk.

        Raises:
            DamagedChunkError: If the file is damaged; it is deleted, so that the same command makes it again.
        """
        file = self.chunk_file(chunk)
        try:
            with zipfile.ZipFile(file) as archive:
                names = set(archive.namelist())
                # We store without packing; a packed part could grow without bound.
                if any(part.compress_type or part.file_size > file.stat().st_size for part in archive.infolist()):
                    raise zipfile.BadZipFile("packed parts")

                for index in self.words(chunk):
                    keys = {name: f"{name}-{number_of(index)}" for name in (LINE, CHARS, META)}
                    values = {name: archive.read(key) for name, key in keys.items() if key in names}
                    if META not in values:
                        raise KeyError(keys[META])
                    yield values
        except (*DAMAGES, OSError) as error:
            if isinstance(error, OSError) and error.errno != errno.EINVAL:  # a place before the file's beginning
                raise
            file.unlink(missing_ok=True)
            raise DamagedChunkError(f"{file}: damaged ({error})") from error

    def merge(self, out: Path, manifest: Mapping[str, Any]) -> None:
        """Join all chunks to the glyph LMDB and remove the folder.

        Raises:
            DamagedChunkError: If a chunk is damaged.
            OutputError: If the LMDB cannot be written or given its name.
        """
        with LmdbWriter(out, source="", overwrite=True) as writer:
            for chunk in range(self.count):
                for values in self.read(chunk):
                    writer.put(values)
            writer.note(MANIFEST, as_json(manifest))
        self.remove()

    def remove(self) -> None:
        """Take the folder away, at once by its name and then what is in it.

        Raises:
            ConfigError: If it cannot be renamed.
        """
        try:
            # One rename takes the name away at once; deleting what is in it may take longer.
            trash = Path(tempfile.mkdtemp(dir=self.path.parent, prefix=f"{self.path.name}.", suffix=TRASH))
            with suppress(FileNotFoundError):  # another process did it
                self.path.rename(trash / self.path.name)
        except OSError as error:
            raise ConfigError(f"{self.path}: cannot be taken away: {error.strerror or error}") from error

        for old in self.path.parent.glob(f"{glob.escape(self.path.name)}.*{TRASH}"):  # a kill may have left others
            shutil.rmtree(old, ignore_errors=True)

    @contextmanager
    def merging(self) -> Iterator[bool]:
        """Wait until nobody else joins chunks; whether there is still something to join.

        The lock goes when its process does, however that ends.
        """
        try:
            file = (self.path / LOCK).open("ab")
        except FileNotFoundError:  # joined and removed in the meantime
            yield False
            return
        with file:
            try:
                import fcntl

                fcntl.flock(file, fcntl.LOCK_EX)
            except (ImportError, OSError):  # Windows, or a file system without locks: joining twice gives the same
                pass
            yield (self.path / MANIFEST).is_file()
