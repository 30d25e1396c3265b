"""``upscale`` over files: plans them, tells lines from pages, batches lines of like size, and reports on each."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import torch

from glyphsr._version import VERSION
from glyphsr.config.reader import validate
from glyphsr.config.upscale import UpscaleConfig
from glyphsr.errors import ConfigError, DataError, PictureError
from glyphsr.images.text_boxes import TextBox, read_boxes
from glyphsr.system.atomic_files import write_bytes
from glyphsr.upscaling.file_plan import FileTask, OutputNaming, compare_path, plan_files
from glyphsr.upscaling.line import Line, UpscaledLine
from glyphsr.upscaling.pages import LINE_HEIGHT, PageUpscaler, UpscaledPage, is_page
from glyphsr.upscaling.prefetch import LoadedPicture, read_chunks
from glyphsr.upscaling.report import PictureReport, UpscaleRun, check_report_path
from glyphsr.upscaling.report_formats import render_report
from glyphsr.upscaling.target_size import TargetSize
from glyphsr.upscaling.upscaler import Upscaler
from glyphsr.upscaling.writing import write_upscaled


def _default_label(config: UpscaleConfig) -> str:
    if config.width or config.height:
        return f"_{config.width or ''}x{config.height or ''}"
    return f"_x{config.scale or 2:g}"


def _is_finished(task: FileTask, config: UpscaleConfig) -> bool:
    try:
        return task.target is not None and not config.overwrite and task.target.exists()
    except OSError:
        return False  # the write will say what is wrong with the name


class _FileRun:
    """State of one run over files."""

    def __init__(self, config: UpscaleConfig, report: Callable[[PictureReport], None] | None) -> None:
        self.config = config
        self.report = report
        self.sources: set[Path] = set()
        """Inputs, which nothing may replace."""
        self.pictures: dict[FileTask, PictureReport] = {}
        self.upscaler = Upscaler(
            config.weights,
            prior_weights=config.prior_weights,
            device=config.device,
            precision=config.precision,
            batch_size=config.batch_size,
            strength=config.strength,
            lexicon=config.lexicon,
            draw=config.draw,
            guard=config.guard,
            guard_reader=config.guard_reader,
            offline=config.offline,
        )
        self.pages = PageUpscaler(
            self.upscaler, min_text_height=config.min_text_height, max_text_height=config.max_text_height
        )

    def find_lines(self, item: LoadedPicture) -> list[TextBox] | None:
        """The lines of a picture that is a page; ``None`` for one that is a line itself.

        Raises:
            DataError: If its boxes cannot be read, or the detector fails.
        """
        mode, rgb = self.config.mode, item.seen
        if mode == "line":
            return None
        if self.config.boxes is not None:
            return self._with_given_text(read_boxes(self._boxes_file(item.task)))
        if mode == "page":
            return self._with_given_text(self.pages.find(rgb))
        if min(rgb.shape[:2]) <= LINE_HEIGHT or not can_detect():
            return None
        try:
            found = self.pages.find(rgb)
        except (ConfigError, DataError):  # then it is a line, as where there is no detector
            return None
        size = (rgb.shape[0], rgb.shape[1])
        helped = any(self.pages.left_alone(box.quad, size) is None for box in found)
        return self._with_given_text(found) if helped and is_page(found, size) else None

    def _with_given_text(self, boxes: list[TextBox]) -> list[TextBox]:
        """A text that is given for a picture is its line's, where it has one."""
        if self.config.text and len(boxes) == 1:
            return [replace(boxes[0], text=boxes[0].text or self.config.text)]
        return boxes

    def _boxes_file(self, task: FileTask) -> Path:
        path = Path(self.config.boxes or "")
        return path / f"{Path(task.name).stem}.json" if path.is_dir() else path

    def finish(self, task: FileTask, picture: PictureReport) -> None:
        self.pictures[task] = picture
        if self.report:
            self.report(picture)

    def fail(self, task: FileTask, error: Exception) -> None:
        target = str(task.target) if task.target else None
        self.finish(task, PictureReport(task.name, target, "failed", error=str(error)))

    def run_chunk(self, chunk: list[LoadedPicture], pool: ThreadPoolExecutor) -> None:
        lines: list[LoadedPicture] = []
        for item in chunk:
            try:
                boxes = self.find_lines(item)
                if boxes is None:
                    lines.append(item)
                else:
                    self._run_page(item, boxes, pool)
            except (DataError, PictureError) as error:
                self.fail(item.task, error)
            except (cv2.error, ValueError, MemoryError) as error:
                reason = str(error).strip().splitlines()[-1] if str(error).strip() else type(error).__name__
                self.fail(item.task, PictureError(f"{item.task.name}: its lines cannot be enlarged: {reason}"))
        started = time.monotonic()
        results = self.upscaler.upscale_lines([Line(item.seen, item.size, self.config.text) for item in lines])
        seconds = (time.monotonic() - started) / max(1, len(lines))
        written = [self._written(pool, item, result, seconds) for item, result in zip(lines, results, strict=True)]
        self._collect(lines, written)

    def _run_page(self, item: LoadedPicture, boxes: list[TextBox], pool: ThreadPoolExecutor) -> None:
        started = time.monotonic()
        page = self.pages.upscale(item.seen, item.size, boxes)
        seconds = time.monotonic() - started
        self._collect([item], [self._written(pool, item, page, seconds)])

    def _written(
        self, pool: ThreadPoolExecutor, item: LoadedPicture, result: UpscaledLine | UpscaledPage, seconds: float
    ) -> Future[PictureReport]:
        strength = self.upscaler.strength
        return pool.submit(
            write_upscaled, item, result, self.config, strength=strength, seconds=seconds, inputs=self.sources
        )

    def _collect(self, items: Sequence[LoadedPicture], written: Sequence[Future[PictureReport]]) -> None:
        for item, future in zip(items, written, strict=True):
            try:
                self.finish(item.task, future.result())
            except BrokenPipeError:
                raise
            except PictureError as error:
                self.fail(item.task, error)
            except OSError as error:
                reason = error.strerror or str(error)
                self.fail(item.task, PictureError(f"{item.task.target or 'stdout'}: cannot write: {reason}"))


def can_detect() -> bool:
    """Whether the ``ocr`` extra is installed, whose detector finds lines."""
    return find_spec("rapidocr") is not None and find_spec("onnxruntime") is not None


def _refuse_to_overwrite(tasks: Sequence[FileTask], config: UpscaleConfig) -> None:
    """A single named result, and any comparison picture of another origin, must not exist yet."""
    if config.overwrite:
        return
    if len(tasks) == 1 and tasks[0].named and _is_finished(tasks[0], config):
        raise ConfigError(f"{tasks[0].target}: exists already; --overwrite replaces it")
    if config.compare:
        panels = [compare_path(task.target) for task in tasks if task.target and not _is_finished(task, config)]
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
    rule = OutputNaming(config.suffix, config.ext, _default_label(config), compare=config.compare)
    names = [inputs] if isinstance(inputs, (str, Path)) else inputs
    plan = plan_files([str(n) for n in names], None if out is None else str(out), rule, recursive=config.recursive)
    tasks = plan.tasks
    if not tasks:
        raise ConfigError("INPUT: expected at least one file, folder, glob or -")
    if config.text and len(tasks) > 1:
        raise ConfigError(
            "--text: is what one picture says, and several are given; a --boxes folder has texts for each"
        )
    if config.boxes and len(tasks) > 1 and not Path(config.boxes).is_dir():
        raise ConfigError("--boxes: one file for one picture; for several expected a folder with <name>.json for each")
    if config.min_text_height > config.max_text_height:
        raise ConfigError(f"--min-text-height: expected at most --max-text-height, {config.max_text_height:g}")
    _refuse_to_overwrite(tasks, config)
    run = _FileRun(config, progress)
    run.sources = {task.source.resolve() for task in tasks if task.source is not None}
    for name, message in plan.failures:
        run.finish(FileTask(Path(name), None), PictureReport(name, None, "failed", error=message))
    todo = []
    for task in tasks:
        if _is_finished(task, config):
            run.finish(task, PictureReport(task.name, str(task.target), "skipped"))
        else:
            todo.append(task)
    if started:
        started(len(todo))
    if todo:
        run.upscaler.load()  # a wrong checkpoint is one error, not one per picture
        with ThreadPoolExecutor(config.workers) as pool:
            for chunk in read_chunks(todo, target, pool, ahead=2 * config.workers, failed=run.fail):
                run.run_chunk(chunk, pool)
    result = UpscaleRun(
        pictures=tuple(run.pictures.values()) if plan.failures else tuple(run.pictures[task] for task in tasks),
        weights=str(run.upscaler.weights_path) if todo else None,
        seconds=time.monotonic() - begin,
        config=config.model_dump(mode="json"),
        versions={"glyphsr": VERSION, "torch": torch.__version__},
    )
    if report is not None:
        content = render_report(result, report.suffix.lower()).encode(errors="surrogateescape")
        try:
            write_bytes(report, content)
        except OSError as error:  # the pictures are there all the same
            return replace(result, problem=f"--report {report}: cannot be written: {error.strerror or error}")
    return result
