"""``upscale`` over files: plans them, enlarges some at a time, writes the results, and reports on each."""

import time
from array import array
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from glyphsr._version import VERSION
from glyphsr.config.upscale import UpscaleConfig
from glyphsr.errors import ConfigError
from glyphsr.system.shards import parse_shard, shard_path
from glyphsr.upscaling.file_plan import plan_files
from glyphsr.upscaling.file_run import FileRun
from glyphsr.upscaling.file_tasks import FilePlan, FileTask, FileTasks
from glyphsr.upscaling.input_names import check_offline, is_web_address
from glyphsr.upscaling.line_search import check_mode
from glyphsr.upscaling.output_naming import OutputNaming, compare_path
from glyphsr.upscaling.picture_worker import PictureUpscaler
from glyphsr.upscaling.ray_files import run_on_ray
from glyphsr.upscaling.remote_files import upscale_remote
from glyphsr.upscaling.remote_plan import is_remote, plan_remote
from glyphsr.upscaling.report import OUTDATED, PictureReport, UpscaleRun, check_report_path
from glyphsr.upscaling.report_formats import write_report
from glyphsr.upscaling.report_journal import ReportJournal
from glyphsr.upscaling.report_spool import ReportSpool
from glyphsr.upscaling.settings_mark import read_mark, settings_mark
from glyphsr.upscaling.target_size import TargetSize
from glyphsr.weights.runtimes import choose_runtime, runtime_version

UNKNOWN = "unknown"
"""Mark of a result that has none: it is complete, and taken for finished."""


def _default_label(config: UpscaleConfig) -> str:
    if config.width or config.height:
        return f"_{config.width or ''}x{config.height or ''}"
    return f"_x{config.scale or 2:g}"


def _exists(task: FileTask) -> bool:
    try:
        return task.target is not None and task.target.exists()
    except OSError:
        return False  # the write will say what is wrong with the name


def _refuse_to_overwrite(tasks: Sequence[FileTask], config: UpscaleConfig) -> None:
    """A single named result, and any comparison picture of another origin, must not exist yet."""
    if config.overwrite:
        return
    if len(tasks) == 1 and tasks[0].named and _exists(tasks[0]):
        raise ConfigError(f"{tasks[0].target}: exists already; --overwrite replaces it")
    if config.compare:
        # A comparison whose result is there is of an earlier run.
        panels = [compare_path(task.target) for task in tasks if task.target and not _exists(task)]
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
        inputs: Files, folders, globs, https addresses, ``clipboard:``, ``-`` for stdin, or what fsspec reads: URLs such
            as ``s3://bucket/folder``, and tar files of pictures, of which each becomes one.
        out: File, folder, or ``-`` for stdout; default beside each input. For URLs and tar files a folder or URL.
        report: Write a ``.json``, ``.jsonl``, ``.csv`` or ``.hocr`` report here, too; of shard I of N it gets
            ``-I-of-N`` after its name. Its rows grow as pictures are finished, as JSON lines: in the report itself, or
            in ``<report>.jsonl`` beside it; a later run with the same report continues there.
        shard: ``I/N``: work on that shard of the inputs; default is the rank of ``torchrun`` or ``accelerate launch``.
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

    # Wrong settings are refused before models are loaded.
    TargetSize(config.scale, config.width, config.height)  # says what is wrong with it
    check_mode(config.mode, has_boxes=config.boxes is not None)

    own_shard = parse_shard(shard)

    if report is not None:
        report = shard_path(report, own_shard)
        check_report_path(report)

    rule = OutputNaming(config.suffix, config.ext, _default_label(config), compare=config.compare)
    # Which files: planned whole, so that clashes show before the first picture.
    names = [inputs] if isinstance(inputs, (str, Path)) else inputs
    texts = [str(name) for name in names]
    check_offline(texts, offline=config.offline)

    # Object stores and web addresses have a plan of their own, since listing them takes requests.
    journal = left_out = None
    if any(is_remote(text) and not is_web_address(text) for text in texts):
        _check_remote(config)
        found = plan_remote(texts, None if out is None else str(out), rule, recursive=config.recursive)
        journal = None if report is None else ReportJournal(report, overwrite=config.overwrite)
        on_picture = partial(_tell, journal, progress)
        pictures = upscale_remote(found, config, shard=own_shard, progress=on_picture, started=started)
        weights: str | None = config.weights
    else:
        plan = plan_files(
            texts,
            None if out is None else str(out),
            rule,
            recursive=config.recursive,
            shard=own_shard,
            pages=config.pages,
        )
        _check_plan(plan, config)
        journal = None if report is None else ReportJournal(report, overwrite=config.overwrite)
        pictures, weights = _run(plan, config, journal, progress, started)
        left_out = plan.left_out

    runtime = choose_runtime(config.runtime, config.weights, device=config.device, precision=config.precision)

    result = UpscaleRun(
        pictures=pictures,
        weights=weights,
        seconds=time.monotonic() - begin,
        config=config.model_dump(mode="json"),
        versions={"glyphsr": VERSION, **runtime_version(runtime)},
        left_out=left_out,
    )

    return result if report is None or journal is None else _with_report(result, report, journal)


def _with_report(result: UpscaleRun, report: Path, journal: ReportJournal) -> UpscaleRun:
    """Make the report of the rows that have grown; the pictures are there also where it cannot be written."""
    problem = journal.problem
    if problem is None:
        try:
            write_report(replace(result, pictures=journal.whole(result.pictures)), report)
        except OSError as error:
            problem = error.strerror or str(error)
    journal.close()
    return result if problem is None else replace(result, problem=f"--report {report}: cannot be written: {problem}")


def _tell(
    journal: ReportJournal | None, progress: Callable[[PictureReport], None] | None, picture: PictureReport
) -> None:
    """Add a picture to the journal, and pass it on."""
    if journal is not None and picture.status != "skipped":
        journal.append(picture)
    if progress is not None:
        progress(picture)


def _run(
    plan: FilePlan,
    config: UpscaleConfig,
    journal: ReportJournal | None,
    progress: Callable[[PictureReport], None] | None,
    started: Callable[[int], None] | None,
) -> tuple[ReportSpool, str | None]:
    """Do a plan, and tell the reports and the weights in use."""
    # Results of earlier runs stay, and count as done.
    run = FileRun(config, plan, progress, PictureUpscaler(config), journal)
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

    # What is of one picture cannot be of several.
    if config.boxes and plan.total > 1 and not Path(config.boxes).is_dir():
        raise ConfigError("--boxes: one file for one picture; for several expected a folder with <name>.json for each")

    if config.engine == "ray" and any(task.source is None or task.target is None for task in plan.tasks):
        raise ConfigError("--engine ray: works on files; stdin and stdout are this machine's alone")
    if config.min_text_height > config.max_text_height:
        raise ConfigError(f"--min-text-height: expected at most --max-text-height, {config.max_text_height:g}")

    _refuse_to_overwrite(plan.tasks, config)


def _unfinished(tasks: FileTasks, run: FileRun) -> FileTasks:
    """Those that an earlier run has not finished with these settings; the others are reported as skipped."""
    todo = array("q")
    own = settings_mark(run.config)
    for task in tasks:
        # Made again: what is not there, and with --overwrite what other settings or an older input made.
        mark = _mark_of(task)
        if mark is None or (run.config.overwrite and (len(tasks) == 1 or mark != own or _is_older(task))):
            todo.append(task.number)
        else:
            note = OUTDATED if mark not in (own, UNKNOWN) else None
            run.finish(task, PictureReport(task.name, str(task.target), "skipped", page=task.page, note=note))
    return tasks.chosen(todo)


def _mark_of(task: FileTask) -> str | None:
    """The mark of the result that is there; ``None`` where there is none."""
    if task.target is None or not _exists(task):
        return None
    try:
        return read_mark(task.target) or UNKNOWN
    except OSError:
        return UNKNOWN


def _is_older(task: FileTask) -> bool:
    """Whether an input was changed after its result was made; of one that is no file this is not known."""
    try:
        if task.source is None or task.target is None:
            return True
        return task.target.stat().st_mtime_ns < task.source.stat().st_mtime_ns
    except OSError:
        return True
