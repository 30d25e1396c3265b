"""One worker of an extraction: opens its parts once, then turns chunks of words into files."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from glyphsr.config.extraction import ExtractConfig
from glyphsr.data.glyph_lmdb import glyph_values
from glyphsr.data.hr_images import HrWords, open_hr_words
from glyphsr.errors import DataError
from glyphsr.extraction.chunk_store import ChunkStore
from glyphsr.extraction.localizers import ComponentInfo, open_localizer
from glyphsr.extraction.report import OUT_OF_MEMORY, UNREADABLE
from glyphsr.extraction.segmenters import open_segmenter
from glyphsr.glyphs.extraction import extract_words, fallback_counts, rejected
from glyphsr.glyphs.protocols import Localizer, Segmenter
from glyphsr.glyphs.word import Rejection, Word, prepare_word
from glyphsr.safe_reading.limits import PICTURE_PIXELS
from glyphsr.types import Extraction

if TYPE_CHECKING:
    import torch

BATCH_WORDS, BATCH_PIXELS = 32, 2_000_000
"""Words that are worked on together, at most, and pixels of their pictures (times characters it is memory)."""


@dataclass(frozen=True)
class ChunkResult:
    """What one finished chunk adds to the counts."""

    words: int = 0
    rejected: int = 0
    fallbacks: Counter[str] = field(default_factory=Counter)
    problems: tuple[str, ...] = ()
    """Pictures and labels that cannot be read."""


@dataclass(frozen=True)
class WorkerSpec:
    """All that a worker needs to know; travels to its process."""

    source: Path
    parts: ChunkStore
    config: ExtractConfig
    localizer: ComponentInfo
    segmenter: ComponentInfo
    device: str = "cpu"


class Worker:
    """Extracts chunks.

    Args:
        spec: What to work on.
    """

    def __init__(self, spec: WorkerSpec) -> None:
        self.spec = spec

    @cached_property
    def source(self) -> HrWords:
        """The pictures, opened by the process that reads them."""
        return open_hr_words(self.spec.source)

    @cached_property
    def segmenter(self) -> Segmenter:
        """Loaded when the first chunk comes."""
        return open_segmenter(self.spec.segmenter, self.spec.config, device=self.spec.device)

    @cached_property
    def localizer(self) -> Localizer:
        """Likewise."""
        return open_localizer(self.spec.localizer, self.spec.config, _device(self.spec))

    def run(self, chunk: int) -> ChunkResult:
        """Extract a chunk and keep it."""
        values: list[dict[str, bytes]] = []
        rejects, fallbacks, problems = 0, Counter[str](), []
        for results in self._batches(self.spec.parts.words(chunk)):
            for result in results:  # encoded at once: masks of large pictures take memory
                values.append(glyph_values(result))
                rejects += result.rejected is not None
                if result.problem is not None:
                    problems.append(result.problem)
            fallbacks += fallback_counts(results)

        self.spec.parts.write(chunk, values)
        return ChunkResult(len(values), rejects, fallbacks, tuple(problems))

    def _batches(self, indices: range) -> Iterator[list[Extraction]]:
        """Results of these words in order, some at a time; what stands together depends on the words alone."""
        batch: dict[int, Word | Extraction] = {}
        pixels = 0
        for index in indices:
            batch[index] = self._prepare(index)
            # Sizes alone decide where a batch ends, never time or memory: the same words give the same masks.
            item = batch[index]
            height, width = item.size if isinstance(item, Word) else item.line.shape
            pixels += height * width
            if len(batch) == BATCH_WORDS or pixels > BATCH_PIXELS:
                yield self._extract_batch(batch)
                batch, pixels = {}, 0
        if batch:
            yield self._extract_batch(batch)

    def _prepare(self, index: int) -> Word | Extraction:
        """A word ready to be extracted, or what is left of one that cannot be."""
        try:
            sample = self.source.read(index)
            masks = sample.hr.shape[0] * sample.hr.shape[1] * max(1, len(sample.label))
            PICTURE_PIXELS.check(masks, f"{self.spec.source}: {sample.id}: masks of its characters", DataError)
        except DataError as error:
            # The same data elsewhere has the same results, so the place is left out.
            return rejected((0, 0), UNREADABLE, str(error).removeprefix(f"{self.spec.source}: "))
        try:
            return prepare_word(sample.hr, sample.label, squeeze=self.spec.config.squeezes)
        except Rejection as reason:
            return rejected((sample.hr.shape[0], sample.hr.shape[1]), str(reason))

    def _extract_batch(self, batch: Mapping[int, Word | Extraction]) -> list[Extraction]:
        found = self._extract({index: item for index, item in batch.items() if isinstance(item, Word)})
        return [item if isinstance(item, Extraction) else found[index] for index, item in batch.items()]

    def _extract(self, words: dict[int, Word]) -> dict[int, Extraction]:
        """All words at once; one by one where memory does not suffice, so that only those too large are lost."""
        try:
            found = extract_words(list(words.values()), self.localizer, self.segmenter, self.spec.config)
        except (RuntimeError, MemoryError) as error:
            if not _no_memory(error):
                raise
            if len(words) == 1:
                ((index, word),) = words.items()
                return {index: rejected(word.size, OUT_OF_MEMORY, f"{index + 1:09d}: memory does not suffice for it")}
            return {key: one for index, word in words.items() for key, one in self._extract({index: word}).items()}
        return dict(zip(words, found, strict=True))


def _no_memory(error: Exception) -> bool:
    if isinstance(error, MemoryError):
        return True
    from glyphsr.system.devices import is_out_of_memory

    return is_out_of_memory(error)


def _device(spec: WorkerSpec) -> "torch.device | None":
    if spec.localizer.facts["name"] == "cuts":
        return None
    from glyphsr.system.devices import resolve_device

    return resolve_device(spec.device)
