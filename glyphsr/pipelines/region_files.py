"""The lines of a page as pictures of their own (``upscale --save-regions``)."""

from collections.abc import Set
from pathlib import Path

from glyphsr.config.upscale import UpscaleConfig
from glyphsr.errors import PictureError
from glyphsr.images.reader import Picture
from glyphsr.images.writer import encode_picture
from glyphsr.system.atomic_files import write_bytes
from glyphsr.upscaling.file_plan import Job
from glyphsr.upscaling.pages import UpscaledPage


def save_regions(job: Job, page: UpscaledPage, config: UpscaleConfig, *, inputs: Set[Path]) -> None:
    """Write each line of a page by itself.

    Args:
        job: Names them.
        page: Their pictures.
        config: Where to, and whether they may replace others.
        inputs: Resolved files, which nothing may replace.

    Raises:
        PictureError: If one exists already, or cannot be written.
    """
    folder = Path(config.save_regions or "")
    stem = job.target.stem if job.target else "stdin"
    if config.recursive and job.target:
        stem = f"{job.target.parent.name}-{stem}"
    files = {folder / f"{stem}-{n:02d}.png": r.line for n, r in enumerate(page.regions, 1) if r.line is not None}
    for path in files:
        if path.exists() and (not config.overwrite or path.resolve() in inputs):
            raise PictureError(f"--save-regions {path}: exists already; --overwrite replaces it, unless it is an input")
    for path, line in files.items():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            write_bytes(path, encode_picture(Picture(line), "PNG"))
        except OSError as error:
            raise PictureError(f"--save-regions {path}: cannot be written: {error.strerror or error}") from error
