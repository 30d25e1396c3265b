"""Pictures to upscale, read ahead in threads and handed over as many at a time as memory allows."""

import hashlib
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

from glyphsr.config.upscale import Mode
from glyphsr.errors import PictureError
from glyphsr.images.reader import Picture, decode_picture
from glyphsr.images.resize import FloatImage
from glyphsr.images.transparency import as_seen
from glyphsr.safe_reading.content import read_content, read_stream
from glyphsr.safe_reading.limits import PICTURE_BYTES
from glyphsr.safe_reading.picture_header import check_picture
from glyphsr.upscaling.file_tasks import FileTask
from glyphsr.upscaling.remote_inputs import read_remote
from glyphsr.upscaling.result_size import check_result
from glyphsr.upscaling.target_size import TargetSize

T = TypeVar("T")

CHUNK_PICTURES = 128
"""Pictures in memory at a time at most: enough to fill batches, little enough to stay flat."""

CHUNK_BYTES = 2_000_000
"""Bytes of their files, beyond the first picture: pages come a few at a time."""

CHUNK_PIXELS = 8_000_000
"""Pixels in memory at a time, in and out, beyond the first picture."""


@dataclass(frozen=True, eq=False)
class LoadedPicture:
    """A picture that was read, and what is to become of it."""

    task: FileTask
    picture: Picture
    size: tuple[int, int]
    """``(height, width)`` of the result."""
    text: str | None = None
    """What it says, where that is known."""
    mode: Mode = "auto"
    """What it is taken for."""
    boxes: Path | None = None
    """JSON file of its lines; else they are looked for."""
    sha256: str | None = None
    """Of what was read, where it is no file."""

    @cached_property
    def seen(self) -> FloatImage:
        """The picture as it looks, ``(H, W, 3)``; a transparent one on its ground."""
        return as_seen(self.picture)


def load_picture(task: FileTask, target: TargetSize, content: bytes | None = None) -> LoadedPicture:
    """Read a job's picture, or stdin, and find the size it is to get.

    Args:
        task: The job.
        target: Tells the size.
        content: Of its file, where that was read already.

    Raises:
        PictureError: If it cannot be read, or would become too large.
    """
    content = _content(task) if content is None else content
    picture = decode_picture(content, task.name, page=task.page or 1)
    size = target.of(*picture.rgb.shape[:2])
    check_result(picture, size, task.name)
    # What is no file cannot be looked at again, so the report identifies it.
    digest = None if task.source is not None else hashlib.sha256(content).hexdigest()
    return LoadedPicture(task, picture, size, sha256=digest)


def _load_ahead(task: FileTask, target: TargetSize) -> LoadedPicture | Callable[[], LoadedPicture]:
    """The same before its turn: a large picture is given as what decodes it then, since its floats fill the memory."""
    content = _content(task)
    kept = content if task.source is None else None
    if _declared_pixels(content) > CHUNK_PIXELS:
        return partial(load_picture, task, target, kept)
    loaded = load_picture(task, target, content)
    is_large = loaded.picture.rgb.shape[0] * loaded.picture.rgb.shape[1] > CHUNK_PIXELS  # a page of a PDF
    return partial(load_picture, task, target, kept) if is_large else loaded


def _declared_pixels(content: bytes) -> int:
    """By the header; 0 where that is not known before the file is read, such as of a page of a PDF."""
    try:
        declared = check_picture(content, "", PictureError)
    except PictureError:
        return 0
    return int(declared.width * declared.height)


def _pixels(loaded: LoadedPicture) -> int:
    """In and out."""
    given = loaded.picture.rgb
    height, width = given.shape[:2]
    return loaded.size[0] * loaded.size[1] + int(height) * int(width)


def _content(task: FileTask) -> bytes:
    """The content of an input, which may be no file."""
    if task.source is not None:
        return read_content(task.source, PICTURE_BYTES, PictureError)
    if task.remote is not None:
        return read_remote(task.remote)
    return read_stream(sys.stdin.buffer, PICTURE_BYTES, "stdin", PictureError)


def read_chunks(
    tasks: Sequence[FileTask],
    target: TargetSize,
    pool: ThreadPoolExecutor,
    *,
    ahead: int,
    failed: Callable[[FileTask, PictureError], None],
) -> Iterator[list[LoadedPicture]]:
    """Pictures in the order of their jobs, some at a time; whoever has done with a list of them clears it.

    Args:
        tasks: What to read.
        target: Tells their sizes.
        pool: Reads.
        ahead: How many may be read before they are needed.
        failed: Called for each file that cannot be read, which is left out.
    """
    ends = unit_ends(tasks)
    end = next(ends, 0)
    pending = [pool.submit(_load_ahead, task, target) for task in tasks[:ahead]]
    chunk: list[LoadedPicture] = []
    pixels = 0

    for i, task in enumerate(tasks):
        # Threads are always some pictures ahead.
        future = pending.pop(0)
        if i + ahead < len(tasks):
            pending.append(pool.submit(_load_ahead, tasks[i + ahead], target))

        # A picture that cannot be read fails alone; the others go on.
        try:
            found = future.result()
            loaded = found if isinstance(found, LoadedPicture) else found()
        except PictureError as error:
            failed(task, error)
        else:
            chunk.append(loaded)
            pixels += _pixels(loaded)
            del found, loaded, future  # which would keep the picture while the next one is decoded

        # A chunk ends where a unit does, or as soon as it fills the memory meant for it.
        is_last = i + 1 == end
        if chunk and (is_last or pixels >= CHUNK_PIXELS):
            yield chunk
            chunk, pixels = [], 0
        if is_last:
            end = next(ends, 0)


def unit_ends(tasks: Sequence[FileTask]) -> Iterator[int]:
    """Places after the last task of each unit: a chunk never reaches over one, whoever works on it.

    The files' sizes decide, which are known without reading them. Which pictures pass through the network together can
    change the last bit of a result, so machines that share the work must cut it alike.
    """
    yield from _ends(_size(task) for task in tasks)


def _ends(sizes: Iterable[int]) -> Iterator[int]:
    start = content = place = 0
    for place, size in enumerate(sizes, 1):
        before = place - 1
        # A unit ends before the picture that would make it too large, but never empty.
        if before > start and (before - start == CHUNK_PICTURES or content + size > CHUNK_BYTES):
            yield before
            start, content = before, 0
        content += size
    if place:
        yield place


def cut_units(items: Sequence[T], sizes: Sequence[int]) -> list[list[T]]:
    """The same units of inputs whose sizes are known."""
    ends = [0, *_ends(sizes)]
    return [list(items[start:end]) for start, end in pairwise(ends)]


def _size(task: FileTask) -> int:
    try:
        return task.source.stat().st_size if task.source is not None else 0
    except OSError:
        return 0  # reading it will say what is wrong
