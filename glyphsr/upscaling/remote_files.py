"""Pictures of object stores and tar shards: fetched a unit at a time, enlarged here, put back whole."""

import io
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, cast

from glyphsr.config.upscale import UpscaleConfig
from glyphsr.errors import GlyphSRError, PictureError
from glyphsr.images.formats import SUFFIXES
from glyphsr.safe_reading.content import read_stream
from glyphsr.safe_reading.limits import PICTURE_BYTES, SHARD_BYTES
from glyphsr.system.ray_engine import Work, ray_map
from glyphsr.system.shards import shard_of
from glyphsr.upscaling.file_run import FileRun
from glyphsr.upscaling.file_tasks import FilePlan, FileTasks
from glyphsr.upscaling.picture_worker import PictureUpscaler
from glyphsr.upscaling.prefetch import cut_units
from glyphsr.upscaling.ray_files import wants_gpu
from glyphsr.upscaling.remote_plan import TAR, RemotePlan, open_store
from glyphsr.upscaling.report import PictureReport
from glyphsr.upscaling.report_spool import ReportSpool

Unit = list[tuple[int, str, str]]
"""Place, source and target of each input."""

Reports = list[tuple[int, PictureReport]]


def upscale_remote(
    plan: RemotePlan,
    config: UpscaleConfig,
    *,
    shard: tuple[int, int],
    progress: Callable[[PictureReport], None] | None,
    started: Callable[[int], None] | None,
) -> ReportSpool:
    """Do a plan's inputs, here or on a Ray cluster.

    Args:
        plan: What to do; what is finished is skipped.
        config: Settings.
        shard: Which part of the inputs, and of how many.
        progress: Called for each that is done, or failed.
        started: Called with how many there are to do.
    """
    pictures = ReportSpool(len(plan.sources))

    def finish(place: int, report: PictureReport) -> None:
        pictures.put(place, report)
        if progress:
            progress(report)

    # Shards are chosen by names, so that machines need not agree on a listing.
    todo = []
    for place, source in enumerate(plan.sources):
        if shard_of(source, shard[1]) != shard[0]:
            continue
        if place in plan.finished and not config.overwrite:
            finish(place, PictureReport(source, plan.targets[place], "skipped"))
        else:
            todo.append(place)
    if started:
        started(len(todo))
    for reports in _work_on(plan, todo, config) if todo else ():
        for place, report in reports:
            finish(place, report)

    pictures.close()
    return pictures


def _work_on(plan: RemotePlan, todo: Sequence[int], config: UpscaleConfig) -> Iterator[Reports]:
    start: Callable[[], Work[Unit, Reports]] = partial(_start, config)
    names = [(place, plan.sources[place], plan.targets[place]) for place in todo]
    units = cut_units(names, [plan.sizes[place] for place in todo])
    if config.engine == "ray":
        return ray_map(start, units, address=config.address, use_gpu=wants_gpu(config))
    work = start()
    return (reports for unit in units for reports in work([unit]))


def _start(config: UpscaleConfig) -> Work[Unit, Reports]:
    worker = PictureUpscaler(config)
    worker.load()
    return lambda units: [_run(unit, config, worker) for unit in units]


def _run(unit: Unit, config: UpscaleConfig, worker: PictureUpscaler) -> Reports:
    shards = [entry for entry in unit if entry[1].lower().endswith(TAR)]
    pictures = [entry for entry in unit if entry not in shards]
    with tempfile.TemporaryDirectory(prefix="glyphsr-") as name:
        reports = _run_pictures(pictures, Path(name), config, worker)
        for place, source, target in shards:
            reports.append((place, _run_shard(source, target, Path(name) / str(place), config, worker)))
    return reports


def _upscale(
    contents: Sequence[bytes], names: Sequence[str], folder: Path, config: UpscaleConfig, worker: PictureUpscaler
) -> list[tuple[PictureReport, Path]]:
    """Reports and results of pictures, in order; their names are reported, not used as names of files."""
    folder.mkdir(exist_ok=True)
    ending = "." + config.ext.lower().lstrip(".")
    sources, targets = [], []

    for number, (content, name) in enumerate(zip(contents, names, strict=True)):
        sources.append(str(folder / f"{number}{PurePosixPath(name).suffix.lower()}"))
        targets.append(str(folder / f"{number}_result{ending}"))
        Path(sources[-1]).write_bytes(content)

    # From here on it is a run over files like any other.
    tasks = FileTasks(sources, targets, bytearray(len(sources)))
    run = FileRun(config, FilePlan(tasks, len(tasks)), None, worker)
    run.run(tasks)

    # The report names what the user named, not the copies in the folder.
    found = []
    for report, source, target, name in zip(run.pictures, sources, targets, names, strict=True):
        error = report.error and report.error.replace(source, name).replace(target, name)
        found.append((replace(report, input=name, error=error), Path(target)))
    return found


def _run_pictures(unit: Unit, folder: Path, config: UpscaleConfig, worker: PictureUpscaler) -> Reports:
    reports: Reports = []
    # A picture that cannot be fetched fails alone.
    fetched: list[tuple[int, str, str, bytes]] = []

    for place, source, target in unit:
        store, path = open_store(source)
        try:
            PICTURE_BYTES.check(int(store.size(path) or 0), source, PictureError)
            with store.open(path, "rb") as file:  # not every store tells sizes, or the truth
                fetched.append((place, source, target, read_stream(file, PICTURE_BYTES, source, PictureError)))
        except (OSError, GlyphSRError) as error:
            reports.append((place, _failed(source, error)))

    # Together, as they would be on one machine; then each result is put into its store.
    made = _upscale([f[3] for f in fetched], [f[1] for f in fetched], folder / "pictures", config, worker)

    for (place, source, target, _), (report, result) in zip(fetched, made, strict=True):
        if report.status == "done":
            try:
                _put(result, target)
                report = replace(report, output=target)
            except OSError as error:
                report = _failed(source, PictureError(f"{target}: cannot be written: {error.strerror or error}"))

        reports.append((place, replace(report, output=target if report.status == "done" else None)))
    return reports


def _run_shard(source: str, target: str, folder: Path, config: UpscaleConfig, worker: PictureUpscaler) -> PictureReport:
    """A tar file again: its pictures enlarged, everything else as it is, in the same order."""
    folder.mkdir()
    try:
        members = _members(source)
        pictures = [(info, content) for info, content in members if _is_picture(info.name)]

        names = [info.name for info, _ in pictures]
        made = iter(_upscale([content for _, content in pictures], names, folder / "pictures", config, worker))

        failed: list[str] = []
        with tarfile.open(folder / "shard.tar", "w", format=tarfile.PAX_FORMAT) as shard:
            for info, content in members:
                if not _is_picture(info.name):
                    shard.addfile(info, io.BytesIO(content))
                    continue

                report, result = next(made)
                if report.status != "done":
                    failed.append(report.error or info.name)
                    continue

                # Name and size change with the content; owner, times and order stay.
                info.name = str(PurePosixPath(info.name).with_suffix(result.suffix))
                info.size = result.stat().st_size
                with result.open("rb") as file:
                    shard.addfile(info, file)

        _put(folder / "shard.tar", target)
    except (OSError, tarfile.TarError, GlyphSRError) as error:
        return _failed(source, error)

    note = f"{len(pictures) - len(failed)} pictures" + (f"; failed: {'; '.join(failed)}" if failed else "")
    if pictures and len(failed) == len(pictures):
        return PictureReport(source, target, "failed", error=f"{source}: every picture in it failed: {failed[0]}")
    return PictureReport(source, target, "done", method="network", note=note)


def _members(source: str) -> list[tuple[tarfile.TarInfo, bytes]]:
    """The files in a tar, which is read from beginning to end once; packed ones, which may grow to any size, are not.

    Raises:
        PictureError: If it, or a file in it, is larger than it may be.
    """
    store, path = open_store(source)
    # Sizes are checked before contents are read.
    members, size = [], 0
    with store.open(path, "rb") as file, _open_tar(_Bounded(file, source)) as shard:
        for info in shard:
            if info.isreg():
                size += info.size  # of a sparse file all that it stands for
                SHARD_BYTES.check(size, source, PictureError)
                PICTURE_BYTES.check(info.size, f"{source}: {info.name}", PictureError)
                content = shard.extractfile(info)
                members.append((info, content.read() if content else b""))
    return members


def _open_tar(stream: "_Bounded") -> tarfile.TarFile:
    return tarfile.open(fileobj=cast("IO[bytes]", stream), mode="r|")  # which only reads


class _Bounded:
    """A stream that ends in an error where it is longer than a tar file may be."""

    def __init__(self, file: IO[bytes], where: str) -> None:
        self._file, self._where, self._size = file, where, 0

    def read(self, size: int) -> bytes:
        content = self._file.read(size)
        self._size += len(content)
        SHARD_BYTES.check(self._size, self._where, PictureError)
        return content


def _is_picture(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in SUFFIXES


def _put(file: Path, url: str) -> None:
    """Copy a file to a store so that its name only ever exists with all of it."""
    store, path = open_store(url)
    store.makedirs(store._parent(path), exist_ok=True)
    # Stores that know transactions show the file when it is whole.
    with store.transaction, store.open(path, "wb") as there, file.open("rb") as here:
        shutil.copyfileobj(here, there)


def _failed(source: str, error: Exception) -> PictureReport:
    message = str(error) if isinstance(error, GlyphSRError) else f"{source}: cannot be read: {error}"
    return PictureReport(source, None, "failed", error=message)
