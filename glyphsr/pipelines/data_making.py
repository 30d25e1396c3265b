"""Pictures and labels on disk to a TextZoom LMDB, and back."""

import hashlib
import os
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from glyphsr.config.training import DegradationConfig
from glyphsr.data.degradation import REFERENCE_HEIGHT, degrade
from glyphsr.data.label_files import (
    FILE_NAMES,
    LabelFormat,
    Labelled,
    find_label_file,
    label_from_name,
    read_labels,
    write_labels,
)
from glyphsr.data.lmdb_pairs import PairedLmdb, decode_rgb
from glyphsr.data.lmdb_writer import LmdbWriter, encode_png
from glyphsr.data.pair_loader import BadSample, resize
from glyphsr.data.picture_names import SUFFIXES
from glyphsr.errors import ConfigError, DataError
from glyphsr.files import write_bytes

HR_FOLDER, LR_FOLDER = "hr", "lr"
"""Folders of a pair's sides, as ``export`` writes and ``make`` finds them."""

FILE_KEYS = {"hr": "file_hr", "lr": "file_lr"}
"""Keys beyond TextZoom's that keep the file names, so that a set can go back to the folders it came from."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class MakeResult:
    """What ``make`` or ``export`` did."""

    path: Path
    samples: int
    bad: tuple[BadSample, ...] = ()
    resumed_at: int = 0
    """Samples that an interrupted run had already written."""


@dataclass(frozen=True)
class _Item:
    name: str
    """Path below the HR folder."""
    hr: Path
    lr: Path | None
    """``None`` where it is made from the HR side."""
    label: str


def make(
    source: Path | None,
    out: Path,
    *,
    labels: Path | None = None,
    form: LabelFormat | None = None,
    hr: Path | None = None,
    lr: Path | None = None,
    seed: int = 0,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> MakeResult:
    """Make a TextZoom LMDB of a folder of pictures, or of a folder of HR and one of LR pictures.

    Picture files go in byte by byte. A set without LR side gets one by our degradation.

    Args:
        source: Folder of HR pictures, or one with ``hr/`` and ``lr/`` in it.
        out: Folder of the LMDB.
        labels: Label file; found in ``source`` by its usual name, else texts come from the file names.
        form: Form of the label file, or ``filename``.
        hr: HR folder instead of ``source``.
        lr: LR folder beside it, with the same names (endings may differ).
        seed: Of the degradation.
        overwrite: Replace ``out`` if it exists.
        progress: Told how far it is.

    Raises:
        ConfigError: If the arguments do not fit together or ``out`` exists.
        DataError: If a folder or the label file is missing or empty, or no picture is usable.
    """
    hr_folder, lr_folder, base = _folders(source, hr, lr)
    items = _items(hr_folder, lr_folder, base, labels, form)
    mark = _fingerprint(items, seed)
    bad: list[BadSample] = []
    with LmdbWriter(out, source=mark, overwrite=overwrite) as writer:
        resumed_at = writer.count
        good = 0
        for done, item in enumerate(items, start=1):
            try:
                checked = _check(item)
            except DataError as error:
                bad.append(BadSample(item.name, str(error)))
            else:
                good += 1
                if good > resumed_at:  # broken pictures are not written, so good ones are counted
                    _add(writer, item, checked, seed)
            if progress:
                progress(done, len(items))
        if not writer.count:
            raise DataError(f"{hr_folder}: none of {len(items)} pictures can be used; the first: {bad[0].problem}")
    return MakeResult(out, writer.count, tuple(bad), resumed_at)


def _folders(source: Path | None, hr: Path | None, lr: Path | None) -> tuple[Path, Path | None, Path]:
    """HR folder, LR folder, and the folder that label files are looked for in."""
    if (source is None) == (hr is None):
        raise ConfigError("expected either a folder of pictures, or --hr (and --lr) folders")
    if lr is not None and hr is None:
        raise ConfigError("--lr: needs --hr beside it")
    for folder in (source, hr, lr):
        if folder is not None and not folder.is_dir():
            raise DataError(f"{folder}: no such folder")
    if hr is not None:
        return hr, lr, hr
    assert source is not None
    if (source / HR_FOLDER).is_dir() and (source / LR_FOLDER).is_dir():
        return source / HR_FOLDER, source / LR_FOLDER, source
    return source, None, source


def _items(
    hr_folder: Path, lr_folder: Path | None, base: Path, labels: Path | None, form: LabelFormat | None
) -> list[_Item]:
    if form != "filename":
        labels = labels or find_label_file(base) or find_label_file(hr_folder)
    elif labels is not None:
        raise ConfigError("--format filename: has no label file; leave --labels away")
    if labels is None and form not in (None, "filename"):
        raise DataError(f"{base}: no {form} label file found; give --labels FILE")
    partners = _by_stem(lr_folder) if lr_folder else None
    if labels is None:
        paths = [(path, path.relative_to(hr_folder)) for path in _pictures(hr_folder)]
        rows = [(path, name, label_from_name(path.stem)) for path, name in paths]
    else:
        rows = []
        for row in read_labels(labels, form):
            path = _find(row.path, hr_folder, labels.parent)
            name = path.relative_to(hr_folder) if path.is_relative_to(hr_folder) else Path(path.name)
            rows.append((path, name, row.text))
    if not rows:
        raise DataError(f"{labels or hr_folder}: no pictures ({' '.join(SUFFIXES)}) in it")
    return [
        _Item(
            name.as_posix(),
            path,
            None if partners is None else partners.get(_stem(name), Path()),
            label,
        )
        for path, name, label in rows
    ]


def _find(written: str, hr_folder: Path, beside: Path) -> Path:
    """A label file's path is relative to the HR folder or to the label file; the first that exists counts."""
    candidates = [hr_folder / written, beside / written]
    return next((path for path in candidates if path.is_file()), candidates[0])


def _pictures(folder: Path) -> list[Path]:
    found = (path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and not path.name.startswith("."))
    return sorted(path for path in found if path.is_file())


def _stem(name: Path) -> str:
    return name.with_suffix("").as_posix()


def _by_stem(folder: Path) -> dict[str, Path]:
    return {_stem(path.relative_to(folder)): path for path in _pictures(folder)}


def _fingerprint(items: Sequence[_Item], seed: int) -> str:
    digest = hashlib.sha256(str(seed).encode())
    for item in items:
        stamps = []
        for path in (item.hr, item.lr):
            try:
                status = path.stat() if path is not None else None
            except OSError:
                status = None
            stamps.append((status.st_size, status.st_mtime_ns) if status else None)
        digest.update(repr((item.name, item.label, stamps)).encode(errors="surrogateescape"))
    return digest.hexdigest()


@dataclass(frozen=True, eq=False)
class _Checked:
    hr: bytes
    lr: bytes | None
    pixels: np.ndarray


def _check(item: _Item) -> _Checked:
    """A pair's bytes, if both sides can be read and there is a text."""
    if not item.label:
        raise DataError(f"{item.hr}: no text for it; write one into the label file, or leave the picture out")
    try:
        item.label.encode()
    except UnicodeEncodeError as error:
        raise DataError(f"{item.hr}: its text {item.label!r} is not Unicode; give a label file") from error
    hr = _bytes(item.hr)
    pixels = decode_rgb(hr, str(item.hr), upright=False)
    if item.lr is None:
        return _Checked(hr, None, pixels)
    if item.lr == Path():
        raise DataError(f"{item.hr}: no LR picture of this name")
    lr = _bytes(item.lr)
    decode_rgb(lr, str(item.lr), upright=False)
    return _Checked(hr, lr, pixels)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}") from error


def _add(writer: LmdbWriter, item: _Item, checked: _Checked, seed: int) -> None:
    extra = {FILE_KEYS["hr"]: os.fsencode(item.name)}
    if checked.lr is None:
        lr = encode_png(_make_lr(checked.pixels, seed, item.name))
    else:
        assert item.lr is not None
        lr = checked.lr
        extra[FILE_KEYS["lr"]] = os.fsencode(PurePosixPath(item.name).with_suffix(item.lr.suffix).as_posix())
    writer.add(hr=checked.hr, lr=lr, label=item.label, extra=extra)


def _make_lr(hr: np.ndarray, seed: int, name: str) -> np.ndarray:
    """A degraded version at line height 16; the draw depends on the seed and the name alone."""
    width = max(2, round(hr.shape[1] * REFERENCE_HEIGHT / hr.shape[0] / 2) * 2)
    entropy = int.from_bytes(hashlib.sha256(name.encode(errors="surrogateescape")).digest()[:8], "big")
    rng = np.random.default_rng([seed, entropy])
    return degrade(resize(hr, (REFERENCE_HEIGHT, width)), DegradationConfig(), rng)


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
    progress: Progress | None = None,
) -> MakeResult:
    """Write an LMDB's pictures byte by byte into ``out/hr`` and ``out/lr``, and their texts into a label file.

    Pictures get the names they were made from, or their number. The folder gets its name when it is complete; an
    interrupted run goes on in ``<out>.partial``.

    Args:
        source: The LMDB.
        out: Folder to write.
        form: Form of the label file.
        overwrite: Replace ``out`` if it exists.
        progress: Told how far it is.

    Raises:
        ConfigError: If ``out`` exists, or the form cannot hold a label.
        DataError: If the LMDB is missing or no sample can be read.
    """
    if form not in FILE_NAMES:
        raise ConfigError(f"--format {form}: expected one of {', '.join(FILE_NAMES)}")
    if out.exists() and not overwrite:
        raise ConfigError(f"{out}: exists already; --overwrite replaces it")
    if out.exists() and not (out / HR_FOLDER).is_dir():
        raise ConfigError(f"{out}: exists and was not made by export; nothing is replaced")
    pairs = PairedLmdb(source)
    total = len(pairs)
    partial = out.with_name(f"{out.name}.partial")
    rows: list[Labelled] = []
    bad: list[BadSample] = []
    taken: set[str] = set()
    for index in range(total):
        try:
            rows.append(_export_one(pairs, index, partial, taken))
        except DataError as error:
            bad.append(BadSample(pairs.where(index), str(error)))
        if progress:
            progress(index + 1, total)
    if not rows:
        raise DataError(f"{source}: none of {total} samples can be read" + (f"; {bad[0].problem}" if bad else ""))
    write_bytes(partial / FILE_NAMES[form], write_labels(rows, form))
    if out.exists():
        _remove_export(out)
    partial.rename(out)
    return MakeResult(out, len(rows), tuple(bad))


def _export_one(pairs: PairedLmdb, index: int, folder: Path, taken: set[str]) -> Labelled:
    raw, number = pairs.raw(index), f"{index + 1:09d}"
    try:
        label = raw.label.decode()
    except UnicodeDecodeError as error:
        raise DataError(f"{pairs.path}: label-{number}: not UTF-8: {raw.label[:20]!r}") from error
    names = {}
    for side, encoded in (("hr", raw.hr), ("lr", raw.lr)):
        stored = pairs.get(f"{FILE_KEYS[side]}-{number}")
        name = _safe_name(stored) if stored is not None else None
        name = name or f"{number}{picture_suffix(encoded)}"
        key = f"{side}/{unicodedata.normalize('NFC', name).casefold()}"  # one file where names differ in case only
        if key in taken:
            name = f"{number}{picture_suffix(encoded)}"
        taken.add(key)
        names[side] = name
        target = folder / side / name
        if not (target.is_file() and target.read_bytes() == encoded):
            target.parent.mkdir(parents=True, exist_ok=True)
            write_bytes(target, encoded)
    return Labelled(f"{HR_FOLDER}/{names['hr']}", label)


def _safe_name(stored: bytes) -> str | None:
    """A stored file name, unless it would lead out of the folder or cannot be a file's."""
    name = os.fsdecode(stored)
    path = PurePosixPath(name)
    unsafe = path.is_absolute() or ".." in path.parts or not path.parts or re.search(r"[\0\\]|^\s*$", name)
    try:
        name.encode()
    except UnicodeEncodeError:
        return None
    return None if unsafe or any(len(part.encode()) > 200 for part in path.parts) else name


def _remove_export(folder: Path) -> None:
    """Take away what an earlier export wrote: its two folders of pictures and its label file."""
    import shutil

    for side in (HR_FOLDER, LR_FOLDER):
        shutil.rmtree(folder / side, ignore_errors=True)
    for name in FILE_NAMES.values():
        (folder / name).unlink(missing_ok=True)
    remaining = next(_entries(folder), None)
    if remaining is not None:
        raise ConfigError(f"{folder}: holds {remaining.name}, which export did not write; give another --out")
    folder.rmdir()


def _entries(folder: Path) -> Iterator[Path]:
    return folder.iterdir()
