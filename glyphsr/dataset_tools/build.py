"""Pictures and labels on disk to a TextZoom LMDB."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import numpy as np

from glyphsr.config.degradation import DegradationConfig
from glyphsr.data.degradation.apply import degrade
from glyphsr.data.degradation.parameters import REFERENCE_HEIGHT
from glyphsr.data.label_files import (
    LabelFormat,
    find_label_file,
    from_names,
    label_from_name,
    read_labels,
)
from glyphsr.data.lmdb_pairs import decode_rgb
from glyphsr.data.lmdb_writer import LmdbWriter, encode_png
from glyphsr.data.pair_loader import BadSample
from glyphsr.errors import ConfigError, DataError
from glyphsr.images.formats import SUFFIXES
from glyphsr.images.resize import resize_like_pil
from glyphsr.safe_reading.content import read_content
from glyphsr.safe_reading.limits import PICTURE_BYTES
from glyphsr.types import ProgressCallback

HR_FOLDER, LR_FOLDER = "hr", "lr"
"""Folders of a pair's sides, as ``export`` writes and ``make`` finds them."""

FILE_KEYS = {"hr": "file_hr", "lr": "file_lr"}
"""Keys beyond TextZoom's that keep the file names, so that a set can go back to the folders it came from."""


@dataclass(frozen=True)
class MakeResult:
    """What ``make`` or ``export`` did."""

    path: Path
    samples: int
    bad: tuple[BadSample, ...] = ()
    resumed_at: int = 0
    """Samples that an interrupted run had already written."""
    unused: int = 0
    """Pictures that were not looked at: HR that no row of the label file names, LR without its HR."""
    notice: str | None = None
    """What a person should know of where the texts come from."""


@dataclass(frozen=True)
class _Item:
    name: str
    """Path below the HR folder."""
    hr: Path
    lr: Path | None
    """``None`` where it is made from the HR side."""
    label: str
    problem: str | None = None
    """Why it cannot be used, if that is known already."""


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
    progress: ProgressCallback | None = None,
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
        progress: Called with the items done and their total.

    Raises:
        ConfigError: If the arguments do not fit together or ``out`` exists.
        DataError: If a folder or the label file is missing or empty, or no picture is usable.
    """
    hr_folder, lr_folder, base = _folders(source, hr, lr)

    items, unused = _items(hr_folder, lr_folder, base, labels, form)
    # The same pictures and texts continue an interrupted run; others start again.
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

    # Texts guessed from file names are worth a word to the user.
    guessed = labels is None and form is None and not (find_label_file(base) or find_label_file(hr_folder))
    notice = from_names(hr_folder, items[0].name, items[0].label) if guessed else None
    return MakeResult(out, writer.count, tuple(bad), resumed_at, unused, notice)


def _folders(source: Path | None, hr: Path | None, lr: Path | None) -> tuple[Path, Path | None, Path]:
    """HR folder, LR folder, and the folder that label files are looked for in."""
    if (source is None) == (hr is None):
        raise ConfigError("expected either a folder of pictures, or --hr (and --lr) folders")
    if lr is not None and hr is None:
        raise ConfigError("--lr: needs --hr beside it")

    for folder in (source, hr, lr):
        if folder is not None and not folder.is_dir():
            raise DataError(f"{folder}: no such folder")
        if folder is not None and (folder / "data.mdb").is_file():
            raise DataError(f"{folder}: an LMDB; `glyphsr data export {folder} -o WORDS` makes a folder of it")

    if hr is not None:
        return hr, lr, hr

    # An export has both sides in folders of its own.
    assert source is not None
    if (source / HR_FOLDER).is_dir() and (source / LR_FOLDER).is_dir():
        return source / HR_FOLDER, source / LR_FOLDER, source
    return source, None, source


def _items(
    hr_folder: Path, lr_folder: Path | None, base: Path, labels: Path | None, form: LabelFormat | None
) -> tuple[list[_Item], int]:
    """What to write, and how many pictures are not looked at: HR without a label, LR without its HR."""
    if form != "filename":
        labels = labels or find_label_file(base) or find_label_file(hr_folder)
    elif labels is not None:
        raise ConfigError("--format filename: has no label file; leave --labels away")

    if labels is None and form not in (None, "filename"):
        raise DataError(f"{base}: no {form} label file found; give --labels FILE")

    pictures = _pictures(hr_folder)
    if labels is None:
        rows = [(path, label_from_name(path.stem)) for path in pictures]
    else:
        rows = [(_find(row.path, hr_folder, labels.parent), row.text) for row in read_labels(labels, form)]

    if not rows:
        raise DataError(f"{labels or hr_folder}: no pictures ({' '.join(SUFFIXES)}) in it")

    # Each picture once, whatever it is called; two texts for one picture are an error of that picture.
    partners = _Partners(lr_folder) if lr_folder else None
    items: dict[Path, _Item] = {}
    for path, label in rows:
        place = Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow the picture's own link
        if place in items:
            if items[place].label != label:
                items[place] = replace(items[place], problem="named twice, with different texts")
            continue

        name = _name_below(hr_folder, path)
        partner = partners.of(name) if partners is not None and name is not None else None

        problem = None
        if partners is not None and name is None:
            problem = f"lies outside {hr_folder}, so it has no LR picture"
        elif partners is not None and partner is None:
            problem = "no LR picture of this name, or more than one"

        items[place] = _Item((name or Path(path.name)).as_posix(), path, partner, label, problem)

    unlabelled = sum(Path(os.path.abspath(path)) not in items for path in pictures)  # noqa: PTH100 - as above
    used = {item.lr for item in items.values()}
    alone = sum(path not in used for path in partners.by_name.values()) if partners is not None else 0
    return list(items.values()), unlabelled + alone


def _name_below(folder: Path, path: Path) -> Path | None:
    """A picture's path below a folder, ``None`` if it lies outside; a picture that is a link keeps its own name."""
    try:
        for own, root in (
            (Path(os.path.abspath(path)), Path(os.path.abspath(folder))),  # noqa: PTH100 - as written, links and all
            (path.parent.resolve() / path.name, folder.resolve()),
        ):
            if own.is_relative_to(root):
                return own.relative_to(root)
    except (OSError, ValueError):  # a name that no file can have; reading it will say so
        return Path(path.name)
    return None


def _find(written: str, hr_folder: Path, beside: Path) -> Path:
    """A label file's path is relative to the HR folder or to the label file; the first that exists counts."""
    names = dict.fromkeys((written, written.replace("\\", "/")))  # Windows writes the latter with backslashes
    candidates = [folder / name for name in names for folder in (hr_folder, beside)]
    return next((path for path in candidates if _is_file(path)), candidates[0])


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


class _Partners:
    """LR pictures by the names of their HR pictures: the same name, else the only one with another ending."""

    def __init__(self, folder: Path) -> None:
        self.by_name = {path.relative_to(folder): path for path in _pictures(folder)}
        self.by_stem: dict[Path, list[Path]] = {}
        for name, path in self.by_name.items():
            self.by_stem.setdefault(name.with_suffix(""), []).append(path)

    def of(self, name: Path) -> Path | None:
        """``None`` where there is none, or more than one that it could be."""
        if name in self.by_name:
            return self.by_name[name]
        alike = self.by_stem.get(name.with_suffix(""), [])
        return alike[0] if len(alike) == 1 else None


def _pictures(folder: Path) -> list[Path]:
    """Picture files below a folder; hidden ones, and those in hidden folders, are none."""
    found = (path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    seen = (path for path in found if not any(part.startswith(".") for part in path.relative_to(folder).parts))
    return sorted(path for path in seen if path.is_file())


def _fingerprint(items: Sequence[_Item], seed: int) -> str:
    digest = hashlib.sha256(str(seed).encode())
    for item in items:
        # Size and time stand for the content: reading all pictures twice would take as long as the work.
        stamps = []
        for path in (item.hr, item.lr):
            try:
                status = path.stat() if path is not None else None
            except (OSError, ValueError):
                status = None
            stamps.append((status.st_size, status.st_mtime_ns) if status else None)

        digest.update(repr((item.name, item.label, stamps)).encode(errors="surrogatepass"))
    return digest.hexdigest()


@dataclass(frozen=True, eq=False)
class _Checked:
    hr: bytes
    lr: bytes | None
    pixels: np.ndarray


def _check(item: _Item) -> _Checked:
    """A pair's bytes, if both sides can be read and there is a text."""
    if item.problem is not None:
        raise DataError(f"{item.hr}: {item.problem}")
    if not item.label:
        raise DataError(f"{item.hr}: no text for it; write one into the label file, or leave the picture out")

    try:
        item.label.encode()
    except UnicodeEncodeError as error:
        raise DataError(f"{item.hr}: its text {item.label!r} is no valid Unicode") from error

    # Both sides are decoded once, so that nothing broken gets into the set.
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
    return read_content(path, PICTURE_BYTES)


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
    # The name decides the draw, so that adding pictures leaves the others' LR as they are.
    entropy = int.from_bytes(hashlib.sha256(name.encode(errors="surrogatepass")).digest()[:8], "big")
    rng = np.random.default_rng([seed, entropy])
    return degrade(resize_like_pil(hr, (REFERENCE_HEIGHT, width)), DegradationConfig(), rng)
