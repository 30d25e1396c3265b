"""The extraction of one set: what is missing, who does it, and the joining of the chunks."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import lmdb

from glyphsr._version import VERSION
from glyphsr.config.extraction import ExtractConfig
from glyphsr.data.glyph_lmdb import FORMAT_NUMBER, GlyphLmdb
from glyphsr.data.hr_images import open_hr_words
from glyphsr.data.lmdb_writer import LmdbWriter
from glyphsr.data.sources import SAMPLE_NOTICE, SAMPLE_ROOT
from glyphsr.errors import ConfigError, DataError, GlyphSRError, OutputError
from glyphsr.extraction.chunk_store import ChunkStore, DamagedChunkError, difference
from glyphsr.extraction.localizers import ComponentInfo
from glyphsr.extraction.pool import run_chunks
from glyphsr.extraction.preview import draw_preview
from glyphsr.extraction.report import ExtractionReport, counts_of_chunks, counts_of_result, report_of
from glyphsr.extraction.worker import ChunkResult, Worker, WorkerSpec
from glyphsr.glyphs.word import Rejection, Word, prepare_word

INK_CHUNK, SAM_CHUNK = 128, 8
"""Words per chunk: what a kill can cost. SAM takes seconds per word on a processor."""

PARTS_SUFFIX = ".parts"
GOES_ON = "finished chunks stay, the same command continues"

NO_PARAMETERS = {
    "segmenter",
    "sam_checkpoint",
    "sam_type",
    "sam_layout",
    "localizer",
    "recognizer",
    "glyph_recognizer",
    "profile",
    "data_root",
    "limit",
    "device",
    "precision",
    "batch_size",
    "workers",
    "engine",
    "address",
    "seed",
    "offline",
}
"""Settings that change no mask, or that the manifest names elsewhere as what they resolved to."""

Report = Callable[[Path, ChunkResult, int], None]
"""Called at the start and after each chunk: the source, what was added, words that this run works on."""


class DatasetExtraction:
    """One set on its way to its glyph LMDB.

    Args:
        source: LMDB, or folder of pictures.
        out: The glyph LMDB.
        shard: Shard, counted from 1, and number of shards.
        config: Settings.
        localizer: What finds the characters.
        segmenter: What makes masks.
        notify: Called with messages for the user before the work begins.

    Raises:
        DataError: If the source cannot be opened or is empty.
        ConfigError: If the place of the result cannot be.
    """

    def __init__(
        self,
        source: Path,
        out: Path,
        *,
        shard: tuple[int, int],
        config: ExtractConfig,
        localizer: ComponentInfo,
        segmenter: ComponentInfo,
        notify: Callable[[str], None] | None,
    ) -> None:
        self.path, self.out, self.shard, self.config = source, out, shard, config
        self.place = Path(os.path.abspath(out))  # noqa: PTH100 - resolve() would follow a link that should stay one
        self._check_place()

        self.localizer = localizer
        self.source = open_hr_words(source)
        self.samples = min(len(self.source), config.limit or len(self.source))
        if not self.samples:
            raise DataError(f"{source}: no samples in it")

        self.device = _device_of(config, localizer, segmenter)
        # What the user must know stands in the report, too.
        self.notify = notify
        self.notices: list[str] = []
        if self.source.shortfall:
            self._say(self.source.shortfall)

        for notice in (*((SAMPLE_NOTICE,) if _in_package(source) else ()), *localizer.notices, *segmenter.notices):
            self._say(notice)

        # The layout is decided before the manifest: it says how masks were made.
        self.segmenter = self._with_safe_layout(segmenter)
        self.manifest = self._manifest()

        size = SAM_CHUNK if self.segmenter.facts["name"] == "sam" else INK_CHUNK
        self.parts = ChunkStore(self.place.with_name(self.place.name + PARTS_SUFFIX), self.samples, size)

    def _check_place(self) -> None:
        if not self.place.name:
            raise ConfigError(f"-o {self.out}: expected the name of a folder to make")
        if self.place.resolve().is_relative_to(self.path.resolve()):
            raise ConfigError(f"-o {self.out}: lies in the source {self.path}, which is never changed")
        if _in_package(self.place):
            raise ConfigError(f"-o {self.out}: lies in the package's sample set, which is never changed")

    def _say(self, notice: str) -> None:
        self.notices.append(notice)
        if self.notify:
            self.notify(notice)

    def run(self, *, overwrite: bool, preview: int, progress: Report | None) -> tuple[ExtractionReport, list[str]]:
        """Do this shard's missing chunks, join if all are there, and count.

        Returns:
            The report, and what could not be read.
        """
        started = time.perf_counter()
        extracted = 0
        done = self._is_done(overwrite=overwrite)
        if done and self.parts.path.is_dir() and self.parts.differs(self.manifest) is None:
            self.parts.remove()  # left by a kill between joining and tidying

        if not done:
            LmdbWriter.check(self.place, overwrite=True)  # now, not after all the work
            self.parts.open(self.manifest, overwrite=overwrite)
            # Only what no earlier run, and no other shard, has done.
            missing = self.parts.missing(self.shard)
            total = sum(len(self.parts.words(chunk)) for chunk in missing)
            if progress:
                progress(self.path, ChunkResult(), total)

            for finished in self._work(missing):
                extracted += finished.words
                if progress:
                    progress(self.path, finished, total)

            done = self._join()

        # Counted from what lies on the disk, so that words of earlier runs are in it.
        seconds = time.perf_counter() - started
        counts = counts_of_result(self.place) if done else counts_of_chunks(self.parts)
        if not done and self._has_result():  # another shard has joined all while this one counted
            done, counts = True, counts_of_result(self.place)

        return report_of(
            counts,
            source=self.path,
            out=self.out,
            manifest=self.manifest,
            extracted=extracted,
            seconds=seconds,
            missing_chunks=0 if done else len(self.parts.missing()),
            notices=tuple(self.notices),
            preview=draw_preview(self.source, self.place, beside=self.out, words=preview) if done and preview else None,
        ), counts.problems

    def _manifest(self) -> dict[str, Any]:
        # All that decides a mask, and nothing else: manifests are compared to continue a run.
        settings = self.config.model_dump(mode="json", exclude=NO_PARAMETERS)
        settings |= self.config.resolved

        packages = ["numpy", "opencv-python"]
        if self.segmenter.facts["name"] == "sam" or self.localizer.facts["name"] != "cuts":
            packages += ["torch", "segment-anything"]

        name = Path(os.path.abspath(self.path)).name  # noqa: PTH100 - a link keeps its own name

        return {
            "format_number": FORMAT_NUMBER,
            "source": {"name": name, "samples": self.samples, "fingerprint": self.source.fingerprint()},
            "segmenter": _without_path(self.segmenter),
            "localizer": _without_path(self.localizer),
            "parameters": settings,
            "versions": {"glyphsr": VERSION} | {name: version(name) for name in packages},
        }

    def _with_safe_layout(self, segmenter: ComponentInfo) -> ComponentInfo:
        """The layout that was asked for, if it gives the exact one's masks; else the exact one, with a notice."""
        layout = segmenter.facts.get("layout", "padded")
        if layout == "padded":
            return segmenter
        from glyphsr.extraction.layout_check import WORDS, compare_layouts

        # Compared on the user's own checkpoint and words: a layout that suits one may not suit another.
        words = list(self._some_words(WORDS))
        spec = WorkerSpec(self.path, ChunkStore(Path(), 0, 1), self.config, self.localizer, segmenter, self.device)

        verdict = compare_layouts(
            words, Worker(spec).localizer, segmenter, self.config, located_by=self.localizer, device=self.device
        )
        figures = f"IoU with padded: median {verdict.median:.3f}, 10th percentile {verdict.tenth:.3f}"
        if verdict.passed:
            self._say(f"--sam-layout {layout}: accepted for this checkpoint ({figures})")
            return segmenter
        self._say(f"--sam-layout {layout}: its masks differ too much ({figures}), so padded is used")
        return ComponentInfo(segmenter.facts | {"layout": "padded"}, segmenter.notices)

    def _some_words(self, count: int) -> Iterator[Word]:
        """The first usable words of the set."""
        for index in range(len(self.source)):
            if count == 0:
                return
            try:
                sample = self.source.read(index)
                yield prepare_word(sample.hr, sample.label, squeeze=self.config.squeezes)
            except (DataError, Rejection):
                continue
            count -= 1

    def _has_result(self) -> bool:
        """Whether the glyph LMDB is there, made with these parameters."""
        try:
            return difference(GlyphLmdb(self.place).manifest(), self.manifest) is None
        except DataError:
            return False

    def _is_done(self, *, overwrite: bool) -> bool:
        """Whether there is nothing to do.

        Raises:
            ConfigError: If a result of other parameters is there and may not be replaced, or something else is.
        """
        if not self.place.exists():
            return False

        glyphs = GlyphLmdb(self.place)
        try:
            found = glyphs.manifest()
        except DataError as error:
            if overwrite and _holds_glyphs(glyphs):
                return False
            raise ConfigError(f"{self.out}: exists and is no glyph LMDB; nothing is replaced ({error})") from error

        if overwrite:
            return False

        # The same parameters: nothing is to be done. Others would mix two kinds of masks in one set.
        other = difference(found, self.manifest)
        if other:
            raise ConfigError(f"{self.out}: made with other parameters: {other}; --overwrite replaces it")

        return True

    def _work(self, chunks: Sequence[int]) -> Iterator[ChunkResult]:
        spec = WorkerSpec(self.path, self.parts, self.config, self.localizer, self.segmenter, self.device)
        try:
            yield from run_chunks(spec, chunks)
        except OSError as error:
            if isinstance(error, FileNotFoundError) and self._has_result():
                return  # the same command elsewhere was faster
            raise _cannot_write(error, self.parts.path) from error

    def _join(self) -> bool:
        """Join the chunks if all are there; whether the result is."""
        rounds = 0
        while not self.parts.missing():
            # Of several shards that finish together one joins, the others wait and find it done.
            with self.parts.merging() as something_left:
                if not something_left:
                    break
                try:
                    self.parts.merge(self.place, self.manifest)
                    return True
                except DamagedChunkError as error:
                    rounds += 1
                    if rounds > self.parts.count:  # what is written does not come back: no disk to work on
                        raise
                    self._say(f"{error}; it is made again")
                except OutputError as error:
                    raise GlyphSRError(f"{error}; {GOES_ON}") from error
                except (OSError, lmdb.Error) as error:
                    raise _cannot_write(error, self.place) from error
            # A damaged chunk was deleted on reading, so it is missing now.
            for _ in self._work(self.parts.missing()):
                pass

        return self._has_result()


def _cannot_write(error: Exception, place: Path) -> GlyphSRError:
    where = getattr(error, "filename", None) or place
    return GlyphSRError(f"{where}: cannot be written: {getattr(error, 'strerror', None) or error}; {GOES_ON}")


def _without_path(info: ComponentInfo) -> dict[str, Any]:
    return {key: value for key, value in info.facts.items() if not key.endswith("path")}


def _in_package(path: Path) -> bool:
    return path.resolve().is_relative_to(SAMPLE_ROOT.resolve())


def _holds_glyphs(glyphs: GlyphLmdb) -> bool:
    """Whether an environment without usable manifest is one of ours all the same."""
    try:
        glyphs.meta(0)
    except DataError:
        return False
    return True


def _device_of(config: ExtractConfig, localizer: ComponentInfo, segmenter: ComponentInfo) -> str:
    """``cpu`` where nothing but ink is at work; else what ``auto`` stands for."""
    if segmenter.facts["name"] == "ink" and localizer.facts["name"] == "cuts":
        return "cpu"
    from glyphsr.system.devices import resolve_device

    return str(resolve_device(config.device))
