"""The files of an ``upscale`` run, done by the workers of a Ray cluster."""

from collections.abc import Callable, Sequence
from functools import partial

from glyphsr.config.upscale import UpscaleConfig
from glyphsr.system.ray_engine import Work, ray_map
from glyphsr.upscaling.file_plan import FilePlan, FileTask, FileTasks
from glyphsr.upscaling.file_run import FileRun
from glyphsr.upscaling.pictures import PictureUpscaler
from glyphsr.upscaling.prefetch import CHUNK_PICTURES
from glyphsr.upscaling.report import PictureReport

Names = tuple[int, str, str]
"""Number, source and target of a task."""


def run_on_ray(tasks: FileTasks, config: UpscaleConfig, finish: Callable[[FileTask, PictureReport], None]) -> None:
    """Do tasks on the cluster, whose machines must see the files under the same names.

    Args:
        tasks: What to do.
        config: Settings; its address tells the cluster.
        finish: Told of each task that is done, or failed.

    Raises:
        ConfigError: If Ray is not installed, or there is no such cluster.
        GlyphSRError: If workers fail again and again.
    """
    work: Callable[[], Work[Names, tuple[int, PictureReport]]] = partial(_start, config)
    by_number = {number: place for place, number in enumerate(tasks.numbers)}
    done = ray_map(work, _Names(tasks), address=config.address, at_once=CHUNK_PICTURES, use_gpu=_wants_gpu(config))
    for number, report in done:
        finish(tasks[by_number[number]], report)


class _Names(Sequence[Names]):
    """Tasks as they travel."""

    def __init__(self, tasks: FileTasks) -> None:
        self.tasks = tasks

    def __len__(self) -> int:
        return len(self.tasks)

    def __getitem__(self, place: int) -> Names:  # type: ignore[override] - slices are not asked for
        task = self.tasks[place]
        return task.number, str(task.source), str(task.target)


def _wants_gpu(config: UpscaleConfig) -> bool | None:
    return None if config.device == "auto" else config.device.startswith("cuda")


def _start(config: UpscaleConfig) -> Work[Names, tuple[int, PictureReport]]:
    """In a worker: load the model once."""
    worker = PictureUpscaler(config)
    worker.load()

    def work(names: list[Names]) -> list[tuple[int, PictureReport]]:
        numbers, sources, targets = zip(*names, strict=True)
        tasks = FileTasks(sources, targets, bytearray(len(names)))
        run = FileRun(config, FilePlan(tasks, len(tasks)), None, worker)
        run.run(tasks)
        return list(zip(numbers, run.pictures, strict=True))

    return work
