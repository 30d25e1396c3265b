"""The work of an ``upscale`` run: read some pictures, enlarge them, write them, and report on each."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from glyphsr.config.upscale import UpscaleConfig
from glyphsr.errors import PictureError
from glyphsr.upscaling.file_tasks import FilePlan, FileTask, FileTasks
from glyphsr.upscaling.line import UpscaledLine
from glyphsr.upscaling.pages import UpscaledPage
from glyphsr.upscaling.picture_worker import PictureUpscaler
from glyphsr.upscaling.prefetch import LoadedPicture, read_chunks
from glyphsr.upscaling.report import PictureReport
from glyphsr.upscaling.report_journal import ReportJournal
from glyphsr.upscaling.report_spool import ReportSpool
from glyphsr.upscaling.target_size import TargetSize
from glyphsr.upscaling.writing import write_upscaled


class FileRun:
    """State of one run over files.

    Args:
        config: Settings.
        plan: What to do, and the inputs that nothing can be done about, which are reported first.
        report: Called with the report of each picture.
        worker: Enlarges them.
        journal: Grows by each picture that is finished, or failed.
    """

    def __init__(
        self,
        config: UpscaleConfig,
        plan: FilePlan,
        report: Callable[[PictureReport], None] | None,
        worker: PictureUpscaler,
        journal: ReportJournal | None = None,
    ) -> None:
        self.config = config
        self.report = report
        self.sources: set[Path] = set()
        """Inputs, which nothing may replace."""
        # What failed at planning is reported first, so pictures come after it.
        self.ahead = len(plan.failures)
        self.pictures = ReportSpool(self.ahead + plan.total)

        self.worker = worker
        self.journal = journal
        for place, (name, message) in enumerate(plan.failures):
            self._put(place, PictureReport(name, None, "failed", error=message))

    def finish(self, task: FileTask, picture: PictureReport) -> None:
        """Keep the report of a task."""
        self._put(self.ahead + task.number, picture)

    def _put(self, place: int, picture: PictureReport) -> None:
        self.pictures.put(place, picture)
        # The row of what is skipped stays that of the run that made it.
        if self.journal and picture.status != "skipped":
            self.journal.append(picture)
        if self.report:
            self.report(picture)

    def fail(self, task: FileTask, error: Exception) -> None:
        """Keep what is wrong with a task."""
        target = str(task.target) if task.target else None
        missing = isinstance(error.__cause__, FileNotFoundError)
        self.finish(
            task, PictureReport(task.name, target, "failed", page=task.page, error=str(error), is_missing=missing)
        )

    def run(self, tasks: FileTasks) -> None:
        """Do these tasks here.

        Raises:
            BrokenPipeError: If whoever reads stdout went away.
        """
        target = TargetSize(self.config.scale, self.config.width, self.config.height)
        with ThreadPoolExecutor(self.config.workers) as pool:
            for chunk in read_chunks(tasks, target, pool, ahead=2 * self.config.workers, failed=self.fail):
                self._run_chunk(chunk, pool)
                chunk.clear()  # before the next one is decoded

    def _run_chunk(self, chunk: list[LoadedPicture], pool: ThreadPoolExecutor) -> None:
        lines: list[tuple[LoadedPicture, Future[PictureReport]]] = []
        for outcome in self.worker.upscale([self._as_asked(item) for item in chunk]):
            item, result = outcome.item, outcome.result
            if isinstance(result, UpscaledPage):  # large: it goes before the next one comes
                self._collect(item, self._written(pool, item, result, outcome.seconds))
            elif isinstance(result, UpscaledLine):
                lines.append((item, self._written(pool, item, result, outcome.seconds)))
            else:
                self.fail(item.task, result)
        # Lines were encoded and written in threads; they are reported in their order.
        for item, future in lines:
            self._collect(item, future)

    def _as_asked(self, item: LoadedPicture) -> LoadedPicture:
        """With what the settings say of it."""
        boxes = Path(self.config.boxes) if self.config.boxes else None
        # A folder has a file for each picture, by its stem.
        if boxes is not None and boxes.is_dir():
            boxes = boxes / f"{Path(item.task.name).stem}.json"
        return replace(item, text=self.config.text or None, mode=self.config.mode, boxes=boxes)

    def _written(
        self, pool: ThreadPoolExecutor, item: LoadedPicture, result: UpscaledLine | UpscaledPage, seconds: float
    ) -> Future[PictureReport]:
        strength = self.worker.upscaler.strength
        return pool.submit(
            write_upscaled, item, result, self.config, strength=strength, seconds=seconds, inputs=self.sources
        )

    def _collect(self, item: LoadedPicture, future: Future[PictureReport]) -> None:
        try:
            report = future.result()
        # Whoever read our stdout is gone: the run ends.
        except BrokenPipeError:
            raise
        except PictureError as error:
            self.fail(item.task, error)
        except OSError as error:
            reason = error.strerror or str(error)
            self.fail(item.task, PictureError(f"{item.task.target or 'stdout'}: cannot write: {reason}"))
        else:
            self.finish(item.task, report)  # whose listener may fail, which is no fault of this picture
