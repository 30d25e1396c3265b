"""``upscale`` over files: reads ahead, batches lines of like size, writes whole files only, in flat memory."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

import glyphsr
from glyphsr.config.reader import validate
from glyphsr.config.upscale import UpscaleConfig
from glyphsr.data.boxes import TextBox, read_boxes
from glyphsr.data.picture_writer import encode_picture, fit_to_format, picture_format
from glyphsr.data.pictures import MAX_PIXELS, Picture, decode_picture, read_picture
from glyphsr.errors import ConfigError, DataError, PictureError
from glyphsr.files import write_bytes
from glyphsr.pipelines.jobs import Job, OutputRule, compare_path, plan_jobs
from glyphsr.pipelines.lines import resize
from glyphsr.pipelines.pages import LINE_HEIGHT, PageUpscaler, UpscaledPage, is_page
from glyphsr.pipelines.region_files import save_regions
from glyphsr.pipelines.reports import PictureReport, UpscaleRun, check_report_path, render_report
from glyphsr.pipelines.target_size import TargetSize
from glyphsr.pipelines.upscale_rows import fields_of, notes_of
from glyphsr.pipelines.upscaling import Line, UpscaledLine, Upscaler
from glyphsr.viz.compare import before_after

CHUNK_PICTURES = 128
"""Pictures in memory at a time at most: enough to fill batches, little enough to stay flat."""

CHUNK_PIXELS = 8_000_000
"""Pixels in memory at a time, in and out, beyond the first picture."""


@dataclass(frozen=True, eq=False)
class _Loaded:
    job: Job
    picture: Picture
    size: tuple[int, int]


def _default_label(config: UpscaleConfig) -> str:
    if config.width or config.height:
        return f"_{config.width or ''}x{config.height or ''}"
    return f"_x{config.scale or 2:g}"


def _is_finished(job: Job, config: UpscaleConfig) -> bool:
    try:
        return job.target is not None and not config.overwrite and job.target.exists()
    except OSError:
        return False  # the write will say what is wrong with the name


class _FileRun:
    """State of one run over files."""

    def __init__(
        self, config: UpscaleConfig, target: TargetSize, report: Callable[[PictureReport], None] | None
    ) -> None:
        self.config = config
        self.target = target
        self.report = report
        self.sources: set[Path] = set()
        """Inputs, which nothing may replace."""
        self.pictures: dict[Job, PictureReport] = {}
        self.upscaler = Upscaler(
            config.weights,
            prior_weights=config.prior_weights,
            device=config.device,
            precision=config.precision,
            batch_size=config.batch_size,
            strength=config.strength,
            guard="warn" if config.text and config.guard == "off" else config.guard,
            guard_reader=config.guard_reader,
            offline=config.offline,
        )
        self.pages = PageUpscaler(
            self.upscaler, min_text_height=config.min_text_height, max_text_height=config.max_text_height
        )

    def lines_of(self, item: _Loaded) -> list[TextBox] | None:
        """The lines of a picture that is a page; ``None`` for one that is a line itself.

        Raises:
            DataError: If its boxes cannot be read, or the detector fails.
        """
        mode, rgb = self.config.mode, item.picture.rgb
        if mode == "line":
            return None
        if self.config.boxes is not None:
            return self._told(read_boxes(self._boxes_file(item.job)))
        if mode == "page":
            return self._told(self.pages.find(rgb))
        if min(rgb.shape[:2]) <= LINE_HEIGHT or not can_detect():
            return None
        try:
            found = self.pages.find(rgb)
        except (ConfigError, DataError):  # then it is a line, as where there is no detector
            return None
        size = (rgb.shape[0], rgb.shape[1])
        helped = any(self.pages.left_alone(box.quad, size) is None for box in found)
        return self._told(found) if helped and is_page(found, size) else None

    def _told(self, boxes: list[TextBox]) -> list[TextBox]:
        """A text that is given for a picture is its line's, where it has one."""
        if self.config.text and len(boxes) == 1:
            return [replace(boxes[0], text=boxes[0].text or self.config.text)]
        return boxes

    def _boxes_file(self, job: Job) -> Path:
        path = Path(self.config.boxes or "")
        return path / f"{Path(job.name).stem}.json" if path.is_dir() else path

    def finish(self, job: Job, picture: PictureReport) -> None:
        self.pictures[job] = picture
        if self.report:
            self.report(picture)

    def fail(self, job: Job, error: Exception) -> None:
        target = str(job.target) if job.target else None
        self.finish(job, PictureReport(job.name, target, "failed", error=str(error)))

    def read(self, job: Job) -> _Loaded | PictureError:
        """A picture and the size it is to get; the error instead if there is one."""
        try:
            if job.source is None:
                picture = decode_picture(sys.stdin.buffer.read(), "stdin")
            else:
                picture = read_picture(job.source)
            size = self.target.of(*picture.rgb.shape[:2])
            if size[0] * size[1] > MAX_PIXELS:
                raise PictureError(
                    f"{job.name}: would become {size[1]} x {size[0]} pixels; at most {MAX_PIXELS // 1_000_000} million"
                )
        except PictureError as error:
            return error
        return _Loaded(job, picture, size)

    def chunks(self, jobs: Sequence[Job], pool: ThreadPoolExecutor) -> Iterator[list[_Loaded]]:
        """Pictures read ahead in threads, as many at a time as memory allows."""
        window = 2 * self.config.workers
        pending = [pool.submit(self.read, job) for job in jobs[:window]]
        chunk: list[_Loaded] = []
        pixels = 0
        for i, job in enumerate(jobs):
            loaded = pending.pop(0).result()
            if i + window < len(jobs):
                pending.append(pool.submit(self.read, jobs[i + window]))
            if isinstance(loaded, PictureError):
                self.fail(job, loaded)
                continue
            chunk.append(loaded)
            pixels += loaded.size[0] * loaded.size[1] + loaded.picture.rgb.shape[0] * loaded.picture.rgb.shape[1]
            if len(chunk) == CHUNK_PICTURES or pixels >= CHUNK_PIXELS:
                yield chunk
                chunk, pixels = [], 0
        if chunk:
            yield chunk

    def run_chunk(self, chunk: list[_Loaded], pool: ThreadPoolExecutor) -> None:
        lines: list[_Loaded] = []
        for item in chunk:
            try:
                boxes = self.lines_of(item)
                if boxes is None:
                    lines.append(item)
                else:
                    self._run_page(item, boxes, pool)
            except (DataError, PictureError) as error:
                self.fail(item.job, error)
            except (cv2.error, ValueError, MemoryError) as error:
                reason = str(error).strip().splitlines()[-1] if str(error).strip() else type(error).__name__
                self.fail(item.job, PictureError(f"{item.job.name}: its lines cannot be enlarged: {reason}"))
        started = time.monotonic()
        results = self.upscaler.upscale_lines([Line(item.picture.rgb, item.size, self.config.text) for item in lines])
        seconds = (time.monotonic() - started) / max(1, len(lines))
        written = [pool.submit(self.write, item, result, seconds) for item, result in zip(lines, results, strict=True)]
        self._collect(lines, written)

    def _run_page(self, item: _Loaded, boxes: list[TextBox], pool: ThreadPoolExecutor) -> None:
        started = time.monotonic()
        page = self.pages.upscale(item.picture.rgb, item.size, boxes)
        seconds = time.monotonic() - started
        self._collect([item], [pool.submit(self.write, item, page, seconds)])

    def _collect(self, items: Sequence[_Loaded], written: Sequence[Future[PictureReport]]) -> None:
        for item, future in zip(items, written, strict=True):
            try:
                self.finish(item.job, future.result())
            except BrokenPipeError:
                raise
            except PictureError as error:
                self.fail(item.job, error)
            except OSError as error:
                reason = error.strerror or str(error)
                self.fail(item.job, PictureError(f"{item.job.target or 'stdout'}: cannot write: {reason}"))

    def write(self, item: _Loaded, result: UpscaledLine | UpscaledPage, seconds: float) -> PictureReport:
        """Encode and write one result, and its comparison and its lines where asked."""
        job, picture = item.job, item.picture
        alpha = None if picture.alpha is None else resize(picture.alpha, item.size).clip(0, 1)
        enlarged = replace(picture, rgb=result.rgb, alpha=alpha)
        format_name = picture_format(job.target.suffix if job.target else "." + self.config.ext.lstrip("."))
        content = encode_picture(enlarged, format_name, quality=self.config.quality)
        if isinstance(result, UpscaledPage) and self.config.save_regions is not None:
            save_regions(
                job, result, self.config, inputs=self.sources
            )  # before the picture: what exists is finished, its lines too
        if job.target is None:
            sys.stdout.buffer.write(content)
            sys.stdout.buffer.flush()
        else:
            job.target.parent.mkdir(parents=True, exist_ok=True)
            write_bytes(job.target, content)
            if self.config.compare:
                panel = Picture(before_after(resize(picture.rgb, item.size).clip(0, 1), result.rgb))
                write_bytes(compare_path(job.target), encode_picture(panel, "PNG"))
        notes = notes_of(result, self.config)
        fitted = fit_to_format(enlarged, format_name)
        notes += ["transparency laid over white"] if alpha is not None and fitted.alpha is None else []
        notes += [f"only the first of {picture.num_frames} frames was taken"] if picture.num_frames > 1 else []
        notes += ["16 bits cut to 8"] if fitted.bits != enlarged.bits else []
        return PictureReport(
            input=job.name,
            output=str(job.target) if job.target else None,
            status="done",
            width=picture.rgb.shape[1],
            height=picture.rgb.shape[0],
            output_width=item.size[1],
            output_height=item.size[0],
            **fields_of(result, self.upscaler.strength),
            mean_change=round(255 * _mean_change(result, item), 3),
            seconds=round(seconds, 4),
            note="; ".join(notes) or None,
        )


def _mean_change(result: UpscaledLine | UpscaledPage, item: _Loaded) -> float:
    """Over the plain enlargement: a page's Lanczos, a line's bicubic."""
    if isinstance(result, UpscaledPage):
        return result.mean_change
    return float(np.abs(result.rgb - resize(item.picture.rgb, item.size).clip(0, 1)).mean())


def can_detect() -> bool:
    """Whether the ``ocr`` extra is installed, whose detector finds lines."""
    return find_spec("rapidocr") is not None and find_spec("onnxruntime") is not None


def _refuse_to_overwrite(jobs: Sequence[Job], config: UpscaleConfig) -> None:
    """A single named result, and any comparison picture of another origin, must not exist yet."""
    if config.overwrite:
        return
    if len(jobs) == 1 and jobs[0].named and _is_finished(jobs[0], config):
        raise ConfigError(f"{jobs[0].target}: exists already; --overwrite replaces it")
    if config.compare:
        panels = [compare_path(job.target) for job in jobs if job.target and not _is_finished(job, config)]
        taken = next((panel for panel in panels if panel.exists()), None)
        if taken:
            raise ConfigError(f"{taken}: exists already; --overwrite replaces it")


def upscale_files(
    inputs: str | Path | Sequence[str | Path],
    out: str | Path | None = None,
    *,
    report: Path | None = None,
    progress: Callable[[PictureReport], None] | None = None,
    started: Callable[[int], None] | None = None,
    **options: Any,
) -> UpscaleRun:
    """Upscale files, folders, globs or stdin; what the command does.

    Args:
        inputs: Files, folders, globs, or ``-`` for stdin.
        out: File, folder, or ``-`` for stdout; default beside each input.
        report: Write a ``.json``, ``.jsonl`` or ``.csv`` report here, too.
        progress: Called with every picture's report as it is finished.
        started: Called once with the number of pictures to do.
        options: Fields of :class:`glyphsr.config.upscale.UpscaleConfig`.

    Returns:
        Reports in the order of the inputs; pictures that failed do not raise.

    Raises:
        ConfigError: If options, inputs and output do not go together, or a single output exists already.
        DataError: If a folder or glob holds no pictures.
        WeightsError: If the weights cannot be loaded.
    """
    begin = time.monotonic()
    config = validate(UpscaleConfig, options, "options")
    target = TargetSize(config.scale, config.width, config.height)
    if config.mode == "page" and config.boxes is None and not can_detect():
        raise ConfigError("--mode page: lines are found by rapidocr; pip install 'glyphsr[ocr]', or give --boxes")
    if report is not None:
        check_report_path(report, overwrite=config.overwrite)
    rule = OutputRule(config.suffix, config.ext, _default_label(config), compare=config.compare)
    names = [inputs] if isinstance(inputs, (str, Path)) else inputs
    plan = plan_jobs([str(n) for n in names], None if out is None else str(out), rule, recursive=config.recursive)
    jobs = plan.jobs
    if not jobs:
        raise ConfigError("INPUT: expected at least one file, folder, glob or -")
    if config.text and len(jobs) > 1:
        raise ConfigError(
            "--text: is what one picture says, and several are given; a --boxes folder has texts for each"
        )
    if config.boxes and len(jobs) > 1 and not Path(config.boxes).is_dir():
        raise ConfigError("--boxes: one file for one picture; for several expected a folder with <name>.json for each")
    if config.min_text_height > config.max_text_height:
        raise ConfigError(f"--min-text-height: expected at most --max-text-height, {config.max_text_height:g}")
    _refuse_to_overwrite(jobs, config)
    run = _FileRun(config, target, progress)
    run.sources = {job.source.resolve() for job in jobs if job.source is not None}
    for name, message in plan.failures:
        run.finish(Job(Path(name), None), PictureReport(name, None, "failed", error=message))
    todo = []
    for job in jobs:
        if _is_finished(job, config):
            run.finish(job, PictureReport(job.name, str(job.target), "skipped"))
        else:
            todo.append(job)
    if started:
        started(len(todo))
    if todo:
        run.upscaler.load()  # a wrong checkpoint is one error, not one per picture
        with ThreadPoolExecutor(config.workers) as pool:
            for chunk in run.chunks(todo, pool):
                run.run_chunk(chunk, pool)
    result = UpscaleRun(
        pictures=tuple(run.pictures.values()) if plan.failures else tuple(run.pictures[job] for job in jobs),
        weights=str(run.upscaler.weights_path) if todo else None,
        seconds=time.monotonic() - begin,
        config=config.model_dump(mode="json"),
        versions={"glyphsr": glyphsr.__version__, "torch": torch.__version__},
    )
    if report is not None:
        write_bytes(report, render_report(result, report.suffix.lower()).encode(errors="surrogateescape"))
    return result
