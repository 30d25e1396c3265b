"""Extract glyph masks: one picture from Python, or whole data sets, sharded and resumable."""

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glyphsr._version import VERSION
from glyphsr.config.extraction import ExtractConfig
from glyphsr.config.reader import validate
from glyphsr.data.glyph_lmdb import FORMAT_NUMBER, GlyphLmdb
from glyphsr.data.hr_words import HrWords, open_hr_words
from glyphsr.data.lmdb_writer import encode_png
from glyphsr.data.sources import SAMPLE_NOTICE, SAMPLE_ROOT, find_lmdb
from glyphsr.errors import ConfigError, DataError, GlyphSRError
from glyphsr.files import write_bytes
from glyphsr.glyphs.extraction import extract_words, rejected
from glyphsr.glyphs.word import Rejection, prepare_word
from glyphsr.pipelines.extraction_report import ExtractionReport, Tally, report_of
from glyphsr.pipelines.extraction_work import Job, Progress, Worker, run_chunk, start_worker
from glyphsr.pipelines.glyph_parts import PartsFolder, difference
from glyphsr.pipelines.localizers import PartInfo, describe_localizer, open_localizer
from glyphsr.pipelines.segmenters import describe_segmenter, open_segmenter
from glyphsr.types import Extraction

INK_CHUNK, SAM_CHUNK = 128, 8
"""Words per chunk: what a kill can cost. SAM takes seconds per word on a processor."""

SUFFIX = "-glyphs"
PARTS_SUFFIX = ".parts"

MALLOC = {
    "MALLOC_MMAP_THRESHOLD_": "1073741824",
    "MALLOC_TRIM_THRESHOLD_": "1073741824",
    "MALLOC_TOP_PAD_": "67108864",
}
"""Keeps glibc from returning SAM's large tensors to the system between operations, only to fetch them again."""

NO_PARAMETERS = {
    "segmenter",
    "sam_checkpoint",
    "sam_type",
    "sam_layout",
    "localizer",
    "recognizer",
    "profile",
    "data_root",
    "device",
    "precision",
    "batch_size",
    "workers",
    "seed",
    "offline",
}
"""Settings that change no mask, or that the manifest names elsewhere as what they resolved to."""

Report = Callable[[Path, Progress, int], None]
"""Told after each chunk: the source, what was added, words of this run's share."""


def extract_glyphs(image: NDArray[np.uint8], text: str, **settings: Any) -> Extraction:
    """Glyph masks of one word picture; without a SAM checkpoint they are made of its ink.

    Args:
        image: ``(H, W, 3)`` uint8 RGB, one line of text.
        text: What it shows.
        **settings: Fields of :class:`glyphsr.config.extraction.ExtractConfig`, such as ``profile="robust"``.

    Returns:
        Line mask ``(H, W)``, character masks ``(L, H, W)`` in reading order, and how each came about; ``rejected`` says
        why there are none.

    Raises:
        ConfigError: If a setting is unknown or does not fit.
        WeightsError: If weights that are asked for are not to be had.
        ValueError: If the picture has another shape or type.
    """
    config = validate(ExtractConfig, settings, "extract_glyphs")
    try:
        word = prepare_word(image, text, squeeze=config.frame == "paper")
    except Rejection as reason:
        return rejected((image.shape[0], image.shape[1]), str(reason))
    localizer = open_localizer(describe_localizer(config), config)
    segmenter = open_segmenter(describe_segmenter(config), config)
    return extract_words([word], localizer, segmenter, config)[0]


@dataclass(frozen=True)
class ExtractRun:
    """All sets of one command."""

    reports: tuple[ExtractionReport, ...]
    problems: tuple[str, ...]
    """Pictures and labels that could not be read."""

    @property
    def exit_code(self) -> int:
        """3 if some words could not be read, 0 otherwise: rejected words are a result, not a failure."""
        return 3 if self.problems else 0


def parse_shard(text: str | None, environment: dict[str, str] | None = None) -> tuple[int, int]:
    """``I/N`` as numbers, counted from 1; without it the rank that ``torchrun`` or ``accelerate launch`` gave.

    Raises:
        ConfigError: If it is no such text.

    Example:
        >>> parse_shard("2/3"), parse_shard(None, {"RANK": "0", "WORLD_SIZE": "4"}), parse_shard(None, {})
        ((2, 3), (1, 4), (1, 1))
    """
    if text is None:
        known = os.environ if environment is None else environment
        rank, total = known.get("RANK", ""), known.get("WORLD_SIZE", "")
        if rank.isdigit() and total.isdigit() and int(rank) < int(total):
            return int(rank) + 1, int(total)
        return 1, 1
    first, slash, second = text.partition("/")
    if not (slash and first.isdigit() and second.isdigit() and 1 <= int(first) <= int(second)):
        raise ConfigError(f"--shard {text}: expected I/N with I from 1 to N, e.g. 1/4")
    return int(first), int(second)


def extract(
    lmdb: str,
    out: Path | None = None,
    *,
    shard: str | None = None,
    overwrite: bool = False,
    preview: int = 0,
    progress: Report | None = None,
    config: ExtractConfig | None = None,
) -> ExtractRun:
    """Make the glyph LMDB of a data set, or of each of the sets that a name stands for.

    Finished chunks are kept beside the result, so that the same command goes on after any interruption. With shards,
    whichever finishes the last chunk joins all of them.

    Args:
        lmdb: Path or name of an LMDB, or a folder of pictures.
        out: The glyph LMDB; default is ``<name>-glyphs`` beside its source.
        shard: ``I/N``: work on that share; default is the rank of ``torchrun`` or ``accelerate launch``.
        overwrite: Replace results of other parameters.
        preview: Words on a contact sheet beside the result.
        progress: Told after each chunk.
        config: Everything else.

    Raises:
        DataError: If the source is missing, or a worker could not write.
        ConfigError: If the result exists with other parameters; the difference is named.
        WeightsError: If weights are missing or damaged.
    """
    config = config or ExtractConfig()
    share = parse_shard(shard)
    sources = _sources(lmdb, config)
    if out is not None and len(sources) > 1:
        names = " and ".join(path.name for path in sources)
        raise ConfigError(f"--lmdb {lmdb}: stands for {names}; with -o name one of them")
    localizer, segmenter = describe_localizer(config), describe_segmenter(config)
    reports, problems = [], []
    for path in sources:
        target = out or _default_out(path)
        one = _SetRun(path, target, share, config, localizer, segmenter)
        report, bad = one.run(overwrite=overwrite, preview=preview, progress=progress)
        reports.append(report)
        problems += bad
    return ExtractRun(tuple(reports), tuple(problems))


def _sources(lmdb: str, config: ExtractConfig) -> list[Path]:
    path = Path(lmdb)
    if path.is_dir() and not (path / "data.mdb").is_file() and any(path.iterdir()):
        return [path]
    return find_lmdb(lmdb, config.data_root)


def _default_out(source: Path) -> Path:
    """Beside the source; never inside the package, whose sample set is nobody's own."""
    folder = Path() if source.resolve().is_relative_to(SAMPLE_ROOT.resolve()) else source.parent
    return folder / f"{source.name}{SUFFIX}"


class _SetRun:
    """The extraction of one set."""

    def __init__(
        self,
        source: Path,
        out: Path,
        share: tuple[int, int],
        config: ExtractConfig,
        localizer: PartInfo,
        segmenter: PartInfo,
    ) -> None:
        self.path, self.out, self.share, self.config = source, out, share, config
        self.localizer = localizer
        self.source = open_hr_words(source)
        self.samples = min(len(self.source), config.limit or len(self.source))
        if not self.samples:
            raise DataError(f"{source}: no samples in it")
        if self.out.resolve() == source.resolve():
            raise ConfigError(f"-o {out}: is the source itself; the glyph LMDB needs a folder of its own")
        self.device = _device_of(config)
        self.notices = [*localizer.notices, *segmenter.notices]
        if source.resolve().is_relative_to(SAMPLE_ROOT.resolve()):
            self.notices.insert(0, SAMPLE_NOTICE)
        self.segmenter = self._with_safe_layout(segmenter)
        self.manifest = self._manifest()
        size = SAM_CHUNK if self.segmenter.facts["name"] == "sam" else INK_CHUNK
        self.parts = PartsFolder(out.with_name(out.name + PARTS_SUFFIX), self.samples, size)

    def run(self, *, overwrite: bool, preview: int, progress: Report | None) -> tuple[ExtractionReport, list[str]]:
        """Do this shard's missing chunks, join if all are there, and count."""
        started = time.perf_counter()
        extracted, problems = 0, list[str]()
        if not self._is_done(overwrite=overwrite):
            self.parts.open(self.manifest, overwrite=overwrite)
            missing = self.parts.missing(self.share)
            share = sum(len(self.parts.words(chunk)) for chunk in missing)
            for done in self._work(missing):
                extracted += done.words
                problems += done.problems
                if progress:
                    progress(self.path, done, share)
            self._join()
        seconds = time.perf_counter() - started
        left = 0 if self._finished() else len(self.parts.missing())
        sheet = self.out.with_name(f"{self.out.name}-preview.png") if preview and not left else None
        tally = self._count(sheet, preview)
        return report_of(
            tally,
            source=self.path,
            out=self.out,
            manifest=self.manifest,
            extracted=extracted,
            seconds=seconds,
            missing_chunks=left,
            notices=tuple(self.notices),
            preview=sheet,
        ), problems

    def _manifest(self) -> dict[str, Any]:
        settings = self.config.model_dump(mode="json", exclude=NO_PARAMETERS)
        settings |= {
            "anchors": self.config.anchor_order,
            "rule": self.config.selection_rule,
            "refine": self.config.refinement,
        }
        packages = ["numpy", "opencv-python"]
        if self.segmenter.facts["name"] == "sam" or self.localizer.facts["name"] != "cuts":
            packages += ["torch", "segment-anything"]
        return {
            "format_number": FORMAT_NUMBER,
            "source": {"name": self.path.name, "samples": self.samples, "fingerprint": self.source.fingerprint()},
            "segmenter": _without_path(self.segmenter),
            "localizer": _without_path(self.localizer),
            "parameters": settings,
            "versions": {"glyphsr": VERSION} | {name: version(name) for name in packages},
        }

    def _with_safe_layout(self, segmenter: PartInfo) -> PartInfo:
        """The layout that was asked for, if it gives the exact one's masks; else the exact one, with a notice."""
        layout = segmenter.facts.get("layout", "padded")
        if layout == "padded":
            return segmenter
        from glyphsr.pipelines.calibration import WORDS, judge_layout

        words = list(_some_words(self.source, self.config, WORDS))
        job = Job(self.path, PartsFolder(Path(), 0, 1), self.config, self.localizer, segmenter, self.device)
        verdict = judge_layout(words, Worker(job).localizer, segmenter, self.config)
        figures = f"IoU with padded: median {verdict.median:.3f}, 10th percentile {verdict.tenth:.3f}"
        if verdict.passed:
            self.notices.append(f"--sam-layout {layout}: accepted for this checkpoint ({figures})")
            return segmenter
        self.notices.append(f"--sam-layout {layout}: its masks differ too much ({figures}), so padded is used")
        return PartInfo(segmenter.facts | {"layout": "padded"}, segmenter.notices)

    def _finished(self) -> bool:
        return (self.out / "data.mdb").is_file() and not self.parts.path.exists()

    def _is_done(self, *, overwrite: bool) -> bool:
        """Whether the result is there with these parameters.

        Raises:
            ConfigError: If it is there with others and may not be replaced.
        """
        if not self.out.exists():
            return False
        try:
            found = GlyphLmdb(self.out).manifest()
        except DataError as error:
            raise ConfigError(f"{self.out}: exists and is no glyph LMDB; nothing is replaced ({error})") from error
        if overwrite:
            return False
        other = difference(found, self.manifest)
        if other:
            raise ConfigError(f"{self.out}: made with other parameters: {other}; --overwrite replaces it")
        return True

    def _work(self, chunks: Sequence[int]) -> Iterator[Progress]:
        job = Job(self.path, self.parts, self.config, self.localizer, self.segmenter, self.device)
        workers = min(self._workers(), len(chunks))
        try:
            if workers > 1 or (workers == 1 and self._is_heavy()):
                yield from _in_processes(job, chunks, workers)
            else:
                worker = Worker(job)
                for chunk in chunks:
                    yield worker.run(chunk)
        except OSError as error:
            where = error.filename or self.parts.path
            raise GlyphSRError(
                f"{where}: cannot be written: {error.strerror or error}; finished chunks stay, the same command goes on"
            ) from error

    def _is_heavy(self) -> bool:
        return self.segmenter.facts["name"] == "sam" and self.device == "cpu"

    def _workers(self) -> int:
        if self.config.workers != "auto":
            return self.config.workers
        if self.device != "cpu":
            return 1
        cores = os.cpu_count() or 1
        if self.segmenter.facts["name"] != "sam":
            return cores
        need = 2 * Path(self.segmenter.facts["path"]).stat().st_size + 3_000_000_000  # weights, activations
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else 2 * need
        return int(max(1, min(cores, memory // need)))

    def _join(self) -> None:
        """Join the chunks if all are there and nobody else does it."""
        if self.parts.missing():
            return
        with self.parts.merging() as mine:
            if mine:
                self.parts.merge(self.out)

    def _count(self, sheet: Path | None, preview: int) -> Tally:
        """Tally of the glyph LMDB, or of the chunks that are there, and the contact sheet."""
        tally = Tally()
        if self._finished():
            glyphs = GlyphLmdb(self.out)
            shown = set(np.linspace(0, self.samples - 1, min(preview, self.samples)).round().astype(int).tolist())
            panels = []
            for index in range(self.samples):
                extraction = glyphs[index]
                tally.add(extraction)
                if sheet and index in shown and extraction.rejected != "unreadable":
                    panels.append((self.source.read(index), extraction))
            if sheet and panels:
                from glyphsr.viz.glyph_sheet import glyph_sheet

                write_bytes(sheet, encode_png(glyph_sheet(panels)))
            return tally
        from glyphsr.data.glyph_lmdb import read_values

        for chunk in range(self.parts.count):
            if self.parts.chunk_file(chunk).is_file():
                for values in self.parts.read(chunk):
                    tally.add(read_values(values, str(self.parts.chunk_file(chunk))))
        return tally


def _without_path(info: PartInfo) -> dict[str, Any]:
    return {key: value for key, value in info.facts.items() if key != "path"}


def _some_words(source: HrWords, config: ExtractConfig, count: int) -> Iterator[Any]:
    """The first usable words of a set."""
    for index in range(len(source)):
        if count == 0:
            return
        try:
            sample = source.read(index)
            yield prepare_word(sample.hr, sample.label, squeeze=config.frame == "paper")
        except (DataError, Rejection):
            continue
        count -= 1


def _device_of(config: ExtractConfig) -> str:
    """``cpu`` where nothing but ink is at work; else what ``auto`` stands for, of several GPUs the rank's own."""
    if config.segmenter == "ink" and config.localizer == "cuts":
        return "cpu"
    from glyphsr.devices import resolve_device

    device = resolve_device(config.device)
    rank = os.environ.get("LOCAL_RANK", "")
    if device.type == "cuda" and device.index is None and rank.isdigit():
        return f"cuda:{rank}"
    return str(device)


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """Variables that child processes should start with; what is set already stays."""
    added = [key for key in values if key not in os.environ]
    os.environ.update({key: values[key] for key in added})
    try:
        yield
    finally:
        for key in added:
            del os.environ[key]


def _in_processes(job: Job, chunks: Sequence[int], workers: int) -> Iterator[Progress]:
    """Chunks in the order in which they are finished."""
    threads = max(1, (os.cpu_count() or 1) // workers)
    context = multiprocessing.get_context("spawn")  # an open LMDB must not cross a fork
    with (
        _environment(MALLOC),
        ProcessPoolExecutor(workers, mp_context=context, initializer=start_worker, initargs=(job, threads)) as pool,
    ):
        futures = [pool.submit(run_chunk, chunk) for chunk in chunks]
        try:
            for future in as_completed(futures):
                yield future.result()
        except BrokenProcessPool as error:
            raise GlyphSRError(
                f"{job.source}: a worker process died, as it does when memory runs out; try fewer --workers. "
                "Finished chunks stay, the same command goes on"
            ) from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
