"""What is written of one upscaled picture: itself, its comparison, its lines, and its row of the report."""

import sys
from collections.abc import Set
from dataclasses import replace
from pathlib import Path

from glyphsr.config.upscale import UpscaleConfig
from glyphsr.errors import PictureError
from glyphsr.images.reader import Picture
from glyphsr.images.resize import resize
from glyphsr.images.transparency import enlarged
from glyphsr.images.writer import encode_picture, fit_to_format, picture_format
from glyphsr.system.atomic_files import write_bytes
from glyphsr.upscaling.file_tasks import FileTask
from glyphsr.upscaling.line import UpscaledLine
from glyphsr.upscaling.output_naming import compare_path
from glyphsr.upscaling.pages import UpscaledPage
from glyphsr.upscaling.prefetch import LoadedPicture
from glyphsr.upscaling.report import PictureReport, notes_of, report_fields
from glyphsr.upscaling.settings_mark import settings_mark
from glyphsr.viz.compare import before_after


def write_upscaled(
    item: LoadedPicture,
    result: UpscaledLine | UpscaledPage,
    config: UpscaleConfig,
    *,
    strength: float,
    seconds: float,
    inputs: Set[Path],
) -> PictureReport:
    """Encode and write one result, and its comparison and its lines where asked.

    Args:
        item: What was upscaled, and where it goes.
        result: What it became.
        config: Format, quality, and what else to write.
        strength: Fraction of the network's change that was applied.
        seconds: How long it took.
        inputs: Files that no line may replace.

    Raises:
        PictureError: If the picture cannot be encoded, or a line would replace an input.
        OSError: If a file cannot be written.
    """
    task = item.task
    format_name = picture_format(task.target.suffix if task.target else "." + config.ext.lstrip("."))

    content, report = encode_upscaled(
        item,
        result,
        format_name,
        quality=config.quality,
        strength=strength,
        seconds=seconds,
        mark=settings_mark(config),
    )

    if isinstance(result, UpscaledPage) and config.save_regions is not None:
        # Before the picture: what exists is finished, its lines too.
        save_regions(task, result, config, inputs=inputs)

    if task.target is None:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return report

    task.target.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(task.target, content)

    if config.compare:
        panel = Picture(before_after(resize(item.seen, item.size).clip(0, 1), result.rgb))
        write_bytes(compare_path(task.target), encode_picture(panel, "PNG"))
    return replace(report, output=str(task.target))


def encode_upscaled(
    item: LoadedPicture,
    result: UpscaledLine | UpscaledPage,
    format_name: str,
    *,
    quality: int,
    strength: float,
    seconds: float,
    mark: str | None = None,
) -> tuple[bytes, PictureReport]:
    """The content of a picture file, and what is to be said of it; no output is named yet.

    Args:
        item: What was upscaled.
        result: What it became.
        format_name: PIL's name of the format.
        quality: Of JPEG and WebP.
        strength: Fraction of the network's change that was applied.
        seconds: How long it took.
        mark: Tells the settings, see :func:`glyphsr.upscaling.settings_mark.settings_mark`.

    Raises:
        PictureError: If the picture cannot be encoded.
    """
    picture = item.picture
    larger = enlarged(picture, result.rgb)
    content = encode_picture(larger, format_name, quality=quality, mark=mark)

    # What the file could not keep is said in its report.
    notes = [*([picture.note] if picture.note else []), *notes_of(result, item.text)]
    fitted = fit_to_format(larger, format_name)
    notes += ["transparency laid over white"] if larger.alpha is not None and fitted.alpha is None else []
    frames = picture.num_frames or "several"
    notes += [f"only the first of {frames} frames was taken"] if frames != 1 else []
    notes += ["16 bits cut to 8"] if fitted.bits != larger.bits else []

    return content, PictureReport(
        input=item.task.name,
        output=None,
        status="done",
        page=item.task.page,
        sha256=item.sha256,
        width=picture.rgb.shape[1],
        height=picture.rgb.shape[0],
        output_width=item.size[1],
        output_height=item.size[0],
        **report_fields(result, strength),
        mean_change=round(255 * result.change, 3),
        seconds=round(seconds, 4),
        note="; ".join(notes) or None,
    )


def save_regions(task: FileTask, page: UpscaledPage, config: UpscaleConfig, *, inputs: Set[Path]) -> None:
    """Write each line of a page by itself.

    Args:
        task: Names them.
        page: Their pictures.
        config: Where to, and whether they may replace others.
        inputs: Resolved files, which nothing may replace.

    Raises:
        PictureError: If one exists already, or cannot be written.
    """
    folder = Path(config.save_regions or "")

    stem = task.target.stem if task.target else "stdin"

    if config.recursive and task.target:
        stem = f"{task.target.parent.name}-{stem}"

    # All names are looked at before the first line is written.
    files = {folder / f"{stem}-{n:02d}.png": r.result.rgb for n, r in enumerate(page.regions, 1) if r.result}
    for path in files:
        if path.exists() and (not config.overwrite or path.resolve() in inputs):
            raise PictureError(f"--save-regions {path}: exists already; --overwrite replaces it, unless it is an input")

    for path, line in files.items():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            write_bytes(path, encode_picture(Picture(line), "PNG"))
        except OSError as error:
            raise PictureError(f"--save-regions {path}: cannot be written: {error.strerror or error}") from error
