"""Which files an ``upscale`` run reads and writes: files, folders, globs, stdin, stdout."""

import glob
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from glyphsr.data.pictures import SUFFIXES, picture_format
from glyphsr.errors import ConfigError, DataError

STREAM = "-"
"""Stands for stdin as an input and for stdout as an output."""

COMPARE_SUFFIX = "_compare"


@dataclass(frozen=True)
class Job:
    """One picture's way; ``None`` stands for the standard stream."""

    source: Path | None
    target: Path | None

    @property
    def name(self) -> str:
        """The source as messages call it."""
        return "stdin" if self.source is None else str(self.source)


@dataclass(frozen=True)
class _Found:
    source: Path | None
    relative: Path
    """Path below the folder it was found in."""
    in_folder: bool


def _in_folder(folder: Path, *, recursive: bool) -> list[_Found]:
    try:
        entries = sorted(folder.rglob("*") if recursive else folder.iterdir())
    except OSError as error:
        raise DataError(f"{folder}: {error.strerror}") from error
    pictures = [p for p in entries if p.suffix.lower() in SUFFIXES and not p.name.startswith(".") and p.is_file()]
    if not pictures:
        below = "" if recursive else "; --recursive looks into the folders below"
        raise DataError(f"{folder}: no pictures ({' '.join(SUFFIXES)}) in this folder{below}")
    return [_Found(p, p.relative_to(folder), True) for p in pictures]


def _find(inputs: Sequence[str], *, recursive: bool) -> list[_Found]:
    found: list[_Found] = []
    for text in inputs:
        path = Path(text)
        if text == STREAM:
            found.append(_Found(None, Path("stdin.png"), False))
        elif path.is_dir():
            found += _in_folder(path, recursive=recursive)
        elif glob.has_magic(text) and not path.exists():
            matches = [Path(name) for name in sorted(glob.glob(text, recursive=recursive))]  # noqa: PTH207 - absolute patterns
            files = [p for p in matches if p.is_file() and p.suffix.lower() in SUFFIXES]
            if not files:
                raise DataError(f"{text}: matches no pictures")
            found += [_Found(p, Path(p.name), True) for p in files]
        else:
            found.append(_Found(path, Path(path.name), False))
    return found


def _target_names(found: list[_Found], *, suffix: str, ext: str) -> list[Path]:
    """Names below the output folder; two sources of one stem keep their old endings in the name."""
    plain = [item.relative.with_name(f"{item.relative.stem}{suffix}{ext}") for item in found]
    counts = Counter(plain)
    return [
        name
        if counts[name] == 1
        else name.with_name(f"{item.relative.stem}_{item.relative.suffix.lstrip('.')}{suffix}{ext}")
        for item, name in zip(found, plain, strict=True)
    ]


def plan_jobs(
    inputs: Sequence[str], out: str | None, *, recursive: bool, suffix: str | None, ext: str, label: str
) -> list[Job]:
    """Pair every input with its output.

    Args:
        inputs: Files, folders, globs, or ``-`` for stdin.
        out: File, folder, ``-`` for stdout, or ``None`` for beside the input (stdout for stdin).
        recursive: Look into the folders below.
        suffix: Put behind names; ``None`` for the default.
        ext: File type of names that are not given.
        label: Default suffix of results beside their inputs, e.g. ``_x2``.

    Raises:
        ConfigError: If inputs and output do not go together.
        DataError: If a folder or glob holds no pictures.
    """
    ending = "." + ext.lower().lstrip(".")
    picture_format(ending)
    found = _find(inputs, recursive=recursive)
    single = len(found) == 1 and not found[0].in_folder
    if out == STREAM or (out is None and single and found[0].source is None):
        if not single:
            raise ConfigError(f"--out -: stdout takes one picture, got {len(found)}")
        return [Job(found[0].source, None)]
    if out is not None and single and not Path(out).is_dir() and (Path(out).suffix or Path(out).exists()):
        picture_format(Path(out).suffix)
        jobs = [Job(found[0].source, Path(out))]
    elif out is None:
        if any(item.source is None for item in found):
            raise ConfigError("-: stdin beside other inputs needs --out FOLDER")
        beside = label if suffix is None else suffix
        names = _target_names(found, suffix=beside, ext=ending)
        jobs = [
            Job(item.source, (item.source or Path()).with_name(name.name))
            for item, name in zip(found, names, strict=True)
        ]
        # A second run over the same folder must not take the first one's results for inputs.
        results = {job.target for job in jobs}
        jobs = [job for job in jobs if job.source not in results or single] if beside else jobs
    else:
        folder = Path(out)
        if folder.exists() and not folder.is_dir():
            raise ConfigError(f"{out}: is a file, but {len(found)} pictures need a folder; give another --out")
        names = _target_names(found, suffix=suffix or "", ext=ending)
        jobs = [Job(item.source, folder / name) for item, name in zip(found, names, strict=True)]
    _check(jobs)
    return jobs


def _check(jobs: list[Job]) -> None:
    for job in jobs:
        if (
            job.source
            and job.target
            and job.source.exists()
            and job.target.exists()
            and job.source.samefile(job.target)
        ):
            raise ConfigError(f"{job.source}: input and output are the same file; inputs are never modified")
    clashes = [target for target, count in Counter(job.target for job in jobs).items() if count > 1]
    if clashes:
        raise ConfigError(f"{clashes[0]}: several inputs would be written to this name; give folders one by one")


def compare_path(target: Path) -> Path:
    """Where the before/after picture of a result goes."""
    return target.with_name(f"{target.stem}{COMPARE_SUFFIX}.png")
