"""Which files an ``upscale`` run reads and writes: every input paired with the name of its result."""

# ruff: noqa: PTH118, PTH122 - a path object for each of a million names takes minutes
import os
from array import array
from collections.abc import Sequence
from pathlib import Path

from glyphsr.errors import ConfigError
from glyphsr.images.formats import SUFFIXES
from glyphsr.images.writer import picture_format
from glyphsr.system.shards import shard_of
from glyphsr.upscaling.file_tasks import FilePlan, FileTasks
from glyphsr.upscaling.found_inputs import FoundInputs, find_inputs
from glyphsr.upscaling.input_names import STREAM, split_page
from glyphsr.upscaling.name_clashes import check_names
from glyphsr.upscaling.output_naming import OutputNaming, compare_path


def _names(found: FoundInputs, suffix: str, ending: str, folder: Path | None) -> list[str | None]:
    """Results below ``folder`` or beside their sources; sources of one stem in one place keep their endings apart."""
    root = None if folder is None or str(folder) == "." else str(folder)

    def place(number: int, *, apart: bool) -> str:
        head, name = os.path.split(found.relative(number) if folder is not None else found.beside(number))
        stem, dot = os.path.splitext(name)
        # a.png and a.jpg of one folder become a_png_x2 and a_jpg_x2.
        stem = f"{stem}_{dot.lstrip('.')}" if apart else stem
        parts = [part for part in (root, head, f"{stem}{found.label(number)}{suffix}{ending}") if part]
        return os.path.join(*parts)

    # Only those that would clash keep their endings, so that other names stay short.
    names = [place(number, apart=False) for number in range(len(found.sources))]
    seen: set[str] = set()
    twice = {name for name in names if name in seen or seen.add(name)}  # type: ignore[func-returns-value]
    return [place(i, apart=True) if name in twice else name for i, name in enumerate(names)] if twice else [*names]


def plan_files(
    inputs: Sequence[str],
    out: str | None,
    naming: OutputNaming,
    *,
    recursive: bool,
    shard: tuple[int, int] = (1, 1),
    pages: str | None = None,
) -> FilePlan:
    """Pair every input with its output.

    Args:
        inputs: Files, folders, globs, or ``-`` for stdin.
        out: File, folder, ``-`` for stdout, or ``None`` for beside the input (stdout for stdin).
        naming: How results are named.
        recursive: Look into the folders below.
        shard: Which part of all inputs is asked for, counted from 1, and of how many. A name decides in which it is, so
            that no input is in two of them, even if they see the folder at different times.
        pages: Of PDF and TIFF files, such as ``1,3-5``; ``None`` for all.

    Raises:
        ConfigError: If inputs and output do not go together.
        DataError: If there is nothing at all to do.
    """
    out_path = None if out in (None, STREAM) else Path(str(out))
    found = find_inputs(inputs, out_path, naming, recursive=recursive, pages=pages)
    single = len(found.sources) == 1 and bool(found.named[0])

    if shard[1] > 1 and None in found.sources:
        raise ConfigError("-: stdin cannot be cut into shards; leave --shard away")

    # Where results go: to stdout, beside the inputs, or where the user says.
    if out == STREAM or (out is None and single and found.sources[0] is None):
        if not single:
            raise ConfigError(f"--out -: stdout takes one picture, got {len(found.sources)}{_of_pages(found)}")
        targets: list[str | None] = [None]
    elif out_path is None:
        if None in found.sources:
            raise ConfigError("-: stdin beside other inputs needs --out FOLDER")
        beside = naming.label if naming.suffix is None else naming.suffix
        targets = _names(found, beside, naming.ending, None)
    else:
        targets = _targets_in(out_path, found, naming, single=single)

    # Two results of one name, or one on an input, are found before anything is computed.
    sources = [source and split_page(source)[0] for source in found.sources] if found.has_pages else found.sources
    check_names(sources, targets, beside=(lambda t: str(compare_path(Path(t)))) if naming.compare else None)
    tasks = FileTasks(found.sources, targets, found.named)

    # A shard's pictures are chosen by name, so that it does not matter in which order folders are listed.
    if shard != (1, 1):
        own = (i for i in range(len(tasks)) if shard_of(found.relative(i), shard[1]) == shard[0])
        tasks = tasks.chosen(array("q", own))
        found.failures = [failure for failure in found.failures if shard_of(failure[0], shard[1]) == shard[0]]
    return FilePlan(tasks, len(found.sources), tuple(found.failures), found.left_out.summary())


def _of_pages(found: FoundInputs) -> str:
    """What to do where a document is more than one picture."""
    return "; --pages N takes one page" if found.has_pages else ""


def _targets_in(out: Path, found: FoundInputs, naming: OutputNaming, *, single: bool) -> list[str | None]:
    try:
        is_folder, exists = out.is_dir(), out.exists()
    except OSError as error:
        raise ConfigError(f"--out {out}: {error.strerror or error}") from error

    # One named picture may be given a file's name; anything else goes into a folder.
    if single and not is_folder and (out.suffix or exists):
        picture_format(out.suffix)
        return [str(out)]

    # From here on OUT is a folder.
    count = len(found.sources)
    if exists and not is_folder:
        raise ConfigError(f"{out}: is a file, but {count} pictures need a folder; give another --out")

    if not exists and out.suffix.lower() in SUFFIXES:
        raise ConfigError(
            f"{out}: names a picture, but folders, globs and several files or pages need a folder{_of_pages(found)}"
        )

    return _names(found, naming.suffix or "", naming.ending, out)
