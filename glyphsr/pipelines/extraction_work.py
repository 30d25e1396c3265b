"""One worker of an extraction: opens its parts once, then turns chunks of words into files."""

from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from glyphsr.config.extraction import ExtractConfig
from glyphsr.data.glyph_lmdb import glyph_values
from glyphsr.data.hr_words import HrWords, open_hr_words
from glyphsr.errors import DataError
from glyphsr.glyphs.extraction import extract_words, fallback_counts, rejected
from glyphsr.glyphs.interface import Localizer, Segmenter
from glyphsr.glyphs.word import Rejection, Word, prepare_word
from glyphsr.pipelines.glyph_parts import PartsFolder
from glyphsr.pipelines.localizers import PartInfo, open_localizer
from glyphsr.pipelines.segmenters import open_segmenter
from glyphsr.types import Extraction

if TYPE_CHECKING:
    import torch

UNREADABLE = "unreadable"


@dataclass(frozen=True)
class Progress:
    """What one finished chunk adds to the counts."""

    words: int
    rejected: int
    fallbacks: Counter[str] = field(default_factory=Counter)
    problems: tuple[str, ...] = ()
    """Pictures and labels that cannot be read."""


@dataclass(frozen=True)
class Job:
    """All that a worker needs to know; travels to its process."""

    source: Path
    parts: PartsFolder
    config: ExtractConfig
    localizer: PartInfo
    segmenter: PartInfo
    device: str = "cpu"


class Worker:
    """Extracts chunks.

    Args:
        job: What to work on.
    """

    def __init__(self, job: Job) -> None:
        self.job = job

    @cached_property
    def source(self) -> HrWords:
        """The pictures, opened by the process that reads them."""
        return open_hr_words(self.job.source)

    @cached_property
    def segmenter(self) -> Segmenter:
        """Loaded when the first chunk comes."""
        return open_segmenter(self.job.segmenter, self.job.config, device=self.job.device)

    @cached_property
    def localizer(self) -> Localizer:
        """Likewise."""
        return open_localizer(self.job.localizer, self.job.config, _device(self.job))

    def run(self, chunk: int) -> Progress:
        """Extract a chunk and keep it."""
        results, problems = self.extract(list(self.job.parts.words(chunk)))
        self.job.parts.write(chunk, [glyph_values(result) for result in results])
        rejects = sum(result.rejected is not None for result in results)
        return Progress(len(results), rejects, fallback_counts(results), tuple(problems))

    def extract(self, indices: list[int]) -> tuple[list[Extraction], list[str]]:
        """Results of these words, in order, and what could not be read."""
        results: dict[int, Extraction] = {}
        words: dict[int, Word] = {}
        problems = []
        squeeze = self.job.config.frame == "paper"
        for index in indices:
            try:
                sample = self.source.read(index)
            except DataError as error:
                results[index] = rejected((0, 0), UNREADABLE)
                problems.append(str(error))
                continue
            try:
                words[index] = prepare_word(sample.hr, sample.label, squeeze=squeeze)
            except Rejection as reason:
                results[index] = rejected((sample.hr.shape[0], sample.hr.shape[1]), str(reason))
        extracted = extract_words(list(words.values()), self.localizer, self.segmenter, self.job.config)
        results |= dict(zip(words, extracted, strict=True))
        return [results[index] for index in indices], problems


def _device(job: Job) -> "torch.device | None":
    if job.localizer.facts["name"] == "cuts":
        return None
    from glyphsr.devices import resolve_device

    return resolve_device(job.device)


_worker: Worker | None = None


def start_worker(job: Job, threads: int) -> None:
    """Prepare a process of the pool; ``threads`` for its numerical libraries."""
    global _worker
    import cv2

    cv2.setNumThreads(threads)
    if job.segmenter.facts["name"] == "sam" or job.localizer.facts["name"] != "cuts":
        import torch

        torch.set_num_threads(threads)
    _worker = Worker(job)


def run_chunk(chunk: int) -> Progress:
    """Extract one chunk in a process of the pool."""
    assert _worker is not None
    return _worker.run(chunk)
