"""``upscale`` over files: plans them, enlarges some at a time, writes the results, and reports on each."""

import time
from array import array
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import torch

from glyphsr._version import VERSION
from glyphsr.config.upscale import UpscaleConfig
from glyphsr.errors import ConfigError
from glyphsr.system.shards import parse_shard, shard_path
from glyphsr.upscaling.file_plan import FilePlan, FileTask, FileTasks, OutputNaming, compare_path, plan_files
from glyphsr.upscaling.file_run import FileRun
from glyphsr.upscaling.line_search import check_mode
from glyphsr.upscaling.picture_worker import PictureUpscaler
from glyphsr.upscaling.ray_files import run_on_ray
from glyphsr.upscaling.remote_files import upscale_remote
from glyphsr.upscaling.remote_plan import is_remote, plan_remote
from glyphsr.upscaling.report import PictureReport, UpscaleRun, check_report_path
from glyphsr.upscaling.report_formats import write_report
from glyphsr.upscaling.report_spool import ReportSpool
from glyphsr.upscaling.target_size import TargetSize


def _default_label(config: UpscaleConfig) -> str:
    if config.width or config.height:
        return f"_{config.width or ''}x{config.height or ''}"
    return f"_x{config.scale or 2:g}"


def _is_finished(task: FileTask, config: UpscaleConfig) -> bool:
    try:
        return task.target is not None and not config.overwrite and task.target.exists()
    except OSError:
        return False  # the write will say what is wrong with the name


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


def run_files(
    config: UpscaleConfig,
    inputs: str | Path | Sequence[str | Path],
    out: str | Path | None = None,
    *,
    report: Path | None = None,
    shard: str | None = None,
    progress: Callable[[PictureReport], None] | None = None,
    started: Callable[[int], None] | None = None,
) -> UpscaleRun:
    """Upscale files, folders, globs or stdin; what the command does.

    Args:
        config: How, and what else is written.
        inputs: Files, folders, globs, ``-`` for stdin, or what fsspec reads: URLs such as ``s3://bucket/folder``, and
            tar files of pictures, of which each becomes one.
        out: File, folder, or ``-`` for stdout; default beside each input. For URLs and tar files a folder or URL.
        report: Write a ``.json``, ``.jsonl``, ``.csv`` or ``.hocr`` report here, too; of shard I of N it gets
            ``-I-of-N`` behind its name.
        shard: ``I/N``: work on that share of the inputs; default is the rank of ``torchrun`` or ``accelerate launch``.
        progress: Called with every picture's report as it is finished.
        started: Called once with the number of pictures to do.

    Returns:
        Reports in the order of the inputs; pictures that failed do not raise.

    Raises:
        ConfigError: If options, inputs and output do not go together, or a single output exists already.
        DataError: If a folder or glob holds no pictures.
        WeightsError: If the weights cannot be loaded.
    """
    begin = time.monotonic()
    TargetSize(config.scale, config.width, config.height)  # says what is wrong with it
    check_mode(config.mode, has_boxes=config.boxes is not None)
    share = parse_shard(shard)
    if report is not None:
        report = shard_path(report, share)
        check_report_path(report, overwrite=config.overwrite)
    rule = OutputNaming(config.suffix, config.ext, _default_label(config), compare=config.compare)
    names = [inputs] if isinstance(inputs, (str, Path)) else inputs
    if any(is_remote(str(name)) for name in names):
        _check_remote(config)
        found = plan_remote(
            [str(n) for n in names], None if out is None else str(out), rule, recursive=config.recursive
        )
        pictures = upscale_remote(found, config, share=share, progress=progress, started=started)
        weights: str | None = config.weights
    else:
        plan = plan_files(
            [str(n) for n in names], None if out is None else str(out), rule, recursive=config.recursive, share=share
        )
        _check_plan(plan, config)
        pictures, weights = _run(plan, config, progress, started)
    result = UpscaleRun(
        pictures=pictures,
        weights=weights,
        seconds=time.monotonic() - begin,
        config=config.model_dump(mode="json"),
        versions={"glyphsr": VERSION, "torch": torch.__version__},
    )
    if report is not None:
        try:
            write_report(result, report)
        except OSError as error:  # the pictures are there all the same
            return replace(result, problem=f"--report {report}: cannot be written: {error.strerror or error}")
    return result


def _run(
    plan: FilePlan,
    config: UpscaleConfig,
    progress: Callable[[PictureReport], None] | None,
    started: Callable[[int], None] | None,
) -> tuple[ReportSpool, str | None]:
    """Do a plan, and tell the reports and the weights in use."""
    run = FileRun(config, plan, progress, PictureUpscaler(config))
    if config.save_regions is not None:
        run.sources = {task.source.resolve() for task in plan.tasks if task.source is not None}
    todo = _unfinished(plan.tasks, run)
    if started:
        started(len(todo))
    weights = None
    if todo and config.engine == "ray":
        run_on_ray(todo, config, run.finish)
        weights = config.weights
    elif todo:
        run.worker.load()
        run.run(todo)
        weights = str(run.worker.upscaler.weights_path)
    run.pictures.close()
    return run.pictures, weights


def _check_remote(config: UpscaleConfig) -> None:
    for option in ("text", "boxes", "save_regions", "compare"):
        if getattr(config, option):
            raise ConfigError(
                f"--{option.replace('_', '-')}: works on files of this machine, not on URLs and tar files"
            )


def _check_plan(plan: FilePlan, config: UpscaleConfig) -> None:
    if not plan.total:
        raise ConfigError("INPUT: expected at least one file, folder, glob or -")
    if config.text and plan.total > 1:
        raise ConfigError(
            "--text: is what one picture says, and several are given; a --boxes folder has texts for each"
        )
    if config.boxes and plan.total > 1 and not Path(config.boxes).is_dir():
        raise ConfigError("--boxes: one file for one picture; for several expected a folder with <name>.json for each")
    if config.engine == "ray" and any(task.source is None or task.target is None for task in plan.tasks[:1]):
        raise ConfigError("--engine ray: works on files; stdin and stdout are this machine's alone")
    if config.min_text_height > config.max_text_height:
        raise ConfigError(f"--min-text-height: expected at most --max-text-height, {config.max_text_height:g}")
    _refuse_to_overwrite(plan.tasks, config)


def _unfinished(tasks: FileTasks, run: FileRun) -> FileTasks:
    """Those that an earlier run has not finished; the others are reported as skipped."""
    todo = array("q")
    for task in tasks:
        if _is_finished(task, run.config):
            run.finish(task, PictureReport(task.name, str(task.target), "skipped"))
        else:
            todo.append(task.number)
    return tasks.chosen(todo)
