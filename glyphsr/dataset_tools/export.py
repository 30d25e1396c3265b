"""A TextZoom LMDB back to folders of pictures and a label file."""

import json
import os
import re
import unicodedata
from pathlib import Path, PurePosixPath

from glyphsr.data.label_files import FILE_NAMES, LabelFormat, Labelled
from glyphsr.data.label_writing import write_labels
from glyphsr.data.lmdb_pairs import PairedLmdb, decode_label
from glyphsr.data.pair_loader import BadSample
from glyphsr.dataset_tools.build import FILE_KEYS, MakeResult
from glyphsr.errors import ConfigError, DataError
from glyphsr.safe_reading.text_files import read_json
from glyphsr.system.atomic_files import write_bytes
from glyphsr.system.staged_folder import MARK, FolderBuild
from glyphsr.types import ProgressCallback

LISTING = ".glyphsr-export.json"
"""Lists what an export wrote, so that only that is ever replaced."""

MAX_PART_BYTES, MAX_NAME_BYTES = 200, 1000
"""Longest part of a stored file name, and longest whole one, that is used as it is."""

MAGIC = {b"\x89PNG": ".png", b"\xff\xd8\xff": ".jpg", b"BM": ".bmp", b"II*\x00": ".tif", b"MM\x00*": ".tif"}


def picture_suffix(encoded: bytes) -> str:
    r"""File name ending of a picture's bytes.

    Example:
        >>> picture_suffix(b"\xff\xd8\xff\xe0"), picture_suffix(b"RIFF....WEBPVP8 "), picture_suffix(b"?")
        ('.jpg', '.webp', '.bin')
    """
    if encoded[:4] == b"RIFF" and encoded[8:12] == b"WEBP":
        return ".webp"
    return next((ending for magic, ending in MAGIC.items() if encoded.startswith(magic)), ".bin")


def export(
    source: Path,
    out: Path,
    *,
    form: LabelFormat = "paddleocr",
    overwrite: bool = False,
    progress: ProgressCallback | None = None,
) -> MakeResult:
    """Write an LMDB's pictures byte by byte into ``out/hr`` and ``out/lr``, and their texts into a label file.

    A set for recognition has no LR pictures.

    Pictures get the names they were made from, or their number. The folder gets its name when it is complete; an
    interrupted run continues in ``<out>.partial``.

    Args:
        source: The LMDB.
        out: Folder to write.
        form: Form of the label file.
        overwrite: Replace ``out`` if an export wrote it, and nothing else is in it.
        progress: Called with the items done and their total.

    Raises:
        ConfigError: If ``out`` exists or cannot be made, or the form cannot hold a label.
        DataError: If the LMDB is missing or no sample can be read.
    """
    if form not in FILE_NAMES:
        raise ConfigError(f"--format {form}: expected one of {', '.join(FILE_NAMES)}")

    pairs = PairedLmdb(source)
    # Interrupted exports of the same set continue; the result appears when it is whole.
    build = FolderBuild(out, source=f"{pairs.fingerprint()} {form}", overwrite=overwrite, foreign=_foreign)
    try:
        rows, bad, written = _write_pictures(pairs, build.partial, progress)
        if not rows:
            build.abandon()
            raise DataError(f"{source}: no sample can be read" + (f"; {bad[0].problem}" if bad else ""))
        write_bytes(build.partial / FILE_NAMES[form], write_labels(rows, form))
        # Says what is ours, so that replacing an export never takes anyone else's files.
        listing = {"files": [*written, FILE_NAMES[form]]}
        write_bytes(build.partial / LISTING, json.dumps(listing, indent=1).encode())
        build.finish()
    except OSError as error:
        raise ConfigError(f"{error.filename or out}: cannot be written: {error.strerror or error}") from error
    finally:
        build.release()

    return MakeResult(out, len(rows), tuple(bad))


def _foreign(folder: Path) -> str | None:
    """What in a folder an export did not write."""
    try:
        listing = read_json(folder / LISTING)
        ours = {LISTING, MARK, *map(str, listing["files"])}
    except (DataError, KeyError, TypeError):
        return "exists and was not made by export"

    files = (path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if not path.is_dir())
    other = next((name for name in files if name not in ours), None)
    return f"holds {other}, which export did not write" if other is not None else None


def _write_pictures(
    pairs: PairedLmdb, folder: Path, progress: ProgressCallback | None
) -> tuple[list[Labelled], list[BadSample], list[str]]:
    """Rows of the label file, samples that cannot be read, and the names of what was written."""
    rows: list[Labelled] = []
    bad: list[BadSample] = []
    names = _Names()
    # The smaller of both numbers: a wrong `num-samples` must not end the export.
    said, last = pairs.declared(), pairs.last_number()
    total = min(said, last)

    if said > last:
        bad.append(
            BadSample(pairs.where(last), f"{pairs.path}: num-samples says {said}, but the last sample is {last}")
        )

    for index in range(total):
        try:
            rows.append(_write_pair(pairs, index, folder, names))
        except DataError as error:
            bad.append(BadSample(pairs.where(index), str(error)))
        if progress:
            progress(index + 1, total)

    return rows, bad, names.given


class _Names:
    """File names that are given once each, also where a file system does not tell upper from lower case."""

    def __init__(self) -> None:
        self.given: list[str] = []
        self._taken: set[str] = set()
        """Folded names of files, and of the folders that they lie in."""
        self._folders: set[str] = set()

    @staticmethod
    def _fold(name: str) -> str:
        return unicodedata.normalize("NFC", name).casefold()

    def _is_free(self, name: str) -> bool:
        folded = self._fold(name)
        above = {str(parent) for parent in PurePosixPath(folded).parents}
        return folded not in self._taken and folded not in self._folders and not above & self._taken

    def give(self, side: str, wanted: str | None, number: str, ending: str) -> str:
        """``wanted`` if it is free, else the number, else the number with a count after it."""
        candidates = [wanted] if wanted else []
        # As many candidates as names are taken, so that one of them is free.
        candidates += [f"{number}{ending}", *(f"{number}-{i}{ending}" for i in range(2, 2 + len(self.given)))]
        name = next(f"{side}/{name}" for name in candidates if self._is_free(f"{side}/{name}"))
        folded = self._fold(name)
        self._taken.add(folded)
        # Folders count, too: a file cannot have the name of one.
        self._folders |= {str(parent) for parent in PurePosixPath(folded).parents}
        self.given.append(name)
        return name


def _write_pair(pairs: PairedLmdb, index: int, folder: Path, names: _Names) -> Labelled:
    raw, number = pairs.raw(index), f"{index + 1:09d}"
    label = decode_label(raw.label, f"{pairs.path}: label-{number}")

    given = {}

    for side, encoded in (("hr", raw.hr), ("lr", raw.lr)):
        if encoded is None:  # of a set for recognition
            continue

        # A picture keeps the name that it had as a file, where that is a safe one.
        stored = pairs.get(f"{FILE_KEYS[side]}-{number}")
        wanted = _safe_name(stored) if stored is not None else None
        given[side] = names.give(side, wanted, number, picture_suffix(encoded))

        target = folder / given[side]
        # What an interrupted run wrote stays.
        if not (target.is_file() and target.read_bytes() == encoded):
            target.parent.mkdir(parents=True, exist_ok=True)
            write_bytes(target, encoded)

    return Labelled(given["hr"], label)


def _safe_name(stored: bytes) -> str | None:
    """A stored file name, unless it would lead out of the folder or cannot be a file's."""
    name = os.fsdecode(stored)
    path = PurePosixPath(name)
    try:
        name.encode()
    except UnicodeEncodeError:
        return None

    unsafe = path.is_absolute() or ".." in path.parts or not path.parts or re.search(r"[\0\\]|^\s*$", name)
    long = len(stored) > MAX_NAME_BYTES or any(len(part.encode()) > MAX_PART_BYTES for part in path.parts)
    return None if unsafe or long else path.as_posix()
