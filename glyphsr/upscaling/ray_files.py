"""The files of an ``upscale`` run, done by the workers of a Ray cluster."""

from collections.abc import Callable
from functools import partial
from itertools import pairwise

from glyphsr.config.upscale import UpscaleConfig
from glyphsr.system.ray_engine import Work, ray_map
from glyphsr.upscaling.file_run import FileRun
from glyphsr.upscaling.file_tasks import FilePlan, FileTask, FileTasks
from glyphsr.upscaling.input_names import with_page
from glyphsr.upscaling.picture_worker import PictureUpscaler
from glyphsr.upscaling.prefetch import unit_ends
from glyphsr.upscaling.report import PictureReport

Unit = list[tuple[int, str, str]]
"""Number, source and target of each picture that is sent out together."""

Reports = list[tuple[int, PictureReport]]
"""What became of each of them, by its number."""


def run_on_ray(tasks: FileTasks, config: UpscaleConfig, finish: Callable[[FileTask, PictureReport], None]) -> None:
    """Do tasks on the cluster, whose machines must see the files under the same names.

    Args:
        tasks: What to do.
        config: Settings; its address tells the cluster.
        finish: Called for each task that is done, or failed.

    Raises:
        ConfigError: If Ray is not installed, or there is no such cluster.
        GlyphSRError: If workers fail again and again.
    """
    work: Callable[[], Work[Unit, Reports]] = partial(_start, config)
    # Results come in any order and are known by the number of their picture.
    places = {number: place for place, number in enumerate(tasks.numbers)}
    for reports in ray_map(work, _units(tasks), address=config.address, use_gpu=wants_gpu(config)):
        for number, report in reports:
            finish(tasks[places[number]], report)


def _units(tasks: FileTasks) -> list[Unit]:
    """The pictures that a single process would enlarge together, so that results are equal to the last bit."""
    ends = [0, *unit_ends(tasks)]
    return [
        [(task.number, with_page(str(task.source), task.page), str(task.target)) for task in tasks[start:end]]
        for start, end in pairwise(ends)
    ]


def wants_gpu(config: UpscaleConfig) -> bool | None:
    """Whether each worker takes a GPU; ``None`` for where there are some."""
    return None if config.device == "auto" else config.device.startswith("cuda")


def _start(config: UpscaleConfig) -> Work[Unit, Reports]:
    """In a worker: load the model once."""
    worker = PictureUpscaler(config)
    worker.load()

    def work(units: list[Unit]) -> list[Reports]:
        return [_run(unit, config, worker) for unit in units]

    return work


def _run(unit: Unit, config: UpscaleConfig, worker: PictureUpscaler) -> Reports:
    numbers, sources, targets = zip(*unit, strict=True)
    tasks = FileTasks(sources, targets, bytearray(len(unit)))
    run = FileRun(config, FilePlan(tasks, len(tasks)), None, worker)
    run.run(tasks)
    return list(zip(numbers, run.pictures, strict=True))
