"""Pictures to upscale, read ahead in threads and handed over as many at a time as memory allows."""

import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

from glyphsr.errors import PictureError
from glyphsr.images.reader import Picture, decode_picture, read_picture
from glyphsr.images.resize import FloatImage
from glyphsr.images.transparency import as_seen
from glyphsr.safe_reading.content import read_stream
from glyphsr.safe_reading.limits import PICTURE_BYTES, PICTURE_PIXELS
from glyphsr.upscaling.file_plan import FileTask
from glyphsr.upscaling.target_size import TargetSize

CHUNK_PICTURES = 128
"""Pictures in memory at a time at most: enough to fill batches, little enough to stay flat."""

CHUNK_PIXELS = 8_000_000
"""Pixels in memory at a time, in and out, beyond the first picture."""


@dataclass(frozen=True, eq=False)
class LoadedPicture:
    """A picture that was read, and what is to become of it."""

    task: FileTask
    picture: Picture
    size: tuple[int, int]
    """``(height, width)`` of the result."""

    @cached_property
    def seen(self) -> FloatImage:
        """The picture as it looks, ``(H, W, 3)``; a transparent one on its ground."""
        return as_seen(self.picture)


def load_picture(task: FileTask, target: TargetSize) -> LoadedPicture:
    """Read a job's picture, or stdin, and find the size it is to get.

    Raises:
        PictureError: If it cannot be read, or would become too large.
    """
    if task.source is None:
        picture = decode_picture(read_stream(sys.stdin.buffer, PICTURE_BYTES, "stdin", PictureError), "stdin")
    else:
        picture = read_picture(task.source)
    height, width = target.of(*picture.rgb.shape[:2])
    PICTURE_PIXELS.check(height * width, f"{task.name}: would become {width} x {height} pixels", PictureError)
    return LoadedPicture(task, picture, (height, width))


def read_chunks(
    tasks: Sequence[FileTask],
    target: TargetSize,
    pool: ThreadPoolExecutor,
    *,
    ahead: int,
    failed: Callable[[FileTask, PictureError], None],
) -> Iterator[list[LoadedPicture]]:
    """Pictures in the order of their jobs, some at a time.

    Args:
        tasks: What to read.
        target: Tells their sizes.
        pool: Reads.
        ahead: How many may be read before they are needed.
        failed: Told of each that cannot be read, which is left out.
    """
    pending = [pool.submit(load_picture, task, target) for task in tasks[:ahead]]
    chunk: list[LoadedPicture] = []
    pixels = 0
    for i, task in enumerate(tasks):
        future = pending.pop(0)
        if i + ahead < len(tasks):
            pending.append(pool.submit(load_picture, tasks[i + ahead], target))
        try:
            loaded = future.result()
        except PictureError as error:
            failed(task, error)
            continue
        chunk.append(loaded)
        pixels += loaded.size[0] * loaded.size[1] + loaded.picture.rgb.shape[0] * loaded.picture.rgb.shape[1]
        if len(chunk) == CHUNK_PICTURES or pixels >= CHUNK_PIXELS:
            yield chunk
            chunk, pixels = [], 0
    if chunk:
        yield chunk
