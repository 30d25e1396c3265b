"""Gives the words of a training run their glyph masks."""

from collections.abc import Callable
from pathlib import Path

from glyphsr.config.data import FolderSource, LmdbSource, RenderedSource, Source
from glyphsr.config.training import TrainConfig
from glyphsr.data.glyph_lmdb import GlyphLmdb, check_belongs, find_glyphs
from glyphsr.data.sources import MaskAttacher, RenderedWords, WordCollection, without_masks
from glyphsr.errors import DataError
from glyphsr.glyphs.kmeans import kmeans_line
from glyphsr.types import Sample


class KmeansWords:
    """Words with a line mask of two gray clusters, made when a word is read (paper, Baseline 2)."""

    def __init__(self, words: WordCollection) -> None:
        self.words = words

    def __len__(self) -> int:
        return len(self.words)

    def __getitem__(self, index: int) -> Sample:
        sample = self.words[index]
        return Sample(sample.id, sample.hr, sample.label, sample.lr, line=kmeans_line(sample.hr))


class ExtractedWords:
    """Words with the masks of a glyph LMDB.

    Words that were rejected, that are beyond a limited extraction, whose quality is too low, or that have a character
    with an empty mask have none.

    Args:
        words: The pictures.
        glyphs: Their masks.
        min_quality: Least quality that is trusted.
    """

    def __init__(self, words: WordCollection, glyphs: GlyphLmdb, min_quality: float) -> None:
        self.words = words
        self.glyphs = glyphs
        self.min_quality = min_quality
        self.count = len(glyphs)

    def __len__(self) -> int:
        return len(self.words)

    def __getitem__(self, index: int) -> Sample:
        sample = self.words[index]
        if index >= self.count:
            return sample

        # A word whose masks are poor, or do not belong to it, is learned from without them.
        found = self.glyphs[index]
        if found.rejected or found.quality < self.min_quality or not len(found.chars):
            return sample

        if found.line.shape != sample.hr.shape[:2]:
            raise DataError(
                f"{self.glyphs.path}: masks of {sample.id} are {found.line.shape}, its picture {sample.hr.shape[:2]}"
            )
        if found.text != "".join(sample.label.split()):  # accents that only the masks' text has joined
            return sample
        if not found.chars.any(axis=(1, 2)).all():  # what has no mask must not be taught to be nowhere
            return sample

        return Sample(sample.id, sample.hr, sample.label, sample.lr, line=found.line, chars=found.chars)


def with_glyphs(config: TrainConfig, glyphs: str) -> TrainConfig:
    """The run with masks from elsewhere than configured.

    Args:
        config: The run as configured.
        glyphs: Glyph LMDB, or a folder that holds one for each source; ``kmeans`` for line masks of two gray clusters;
            ``none`` to learn from no masks.
    """
    # No masks at all: the terms that would need them go.
    if glyphs == "none":
        return config.model_copy(
            update={"loss": config.loss.model_copy(update={"line": 0.0, "char": 0.0, "columns": 0.0})}
        )

    # Clusters tell ink from ground, but not whose ink it is, so nothing per character can be learned from them.
    if glyphs == "kmeans":
        data = config.data.model_copy(update={"glyph_source": "kmeans"})
        loss = config.loss.model_copy(update={"char": 0.0, "columns": 0.0})
        return config.model_copy(update={"data": data, "loss": loss})

    # Anything else is a folder of extracted glyphs, for every source of real words.
    sources = tuple(
        source.model_copy(update={"glyphs": glyphs}) if isinstance(source, FolderSource | LmdbSource) else source
        for source in config.data.sources
    )

    data = config.data.model_copy(update={"sources": sources, "glyph_source": "extracted"})
    return config.model_copy(update={"data": data})


def mask_attacher(config: TrainConfig, notify: Callable[[str], None]) -> MaskAttacher:
    """What gives the words of a run their masks; nothing does where no loss learns from masks.

    Args:
        config: The run.
        notify: Called with how many words of a set have no masks, and where they are wanted for something else.
    """
    data = config.data
    # Recombined words are cut from masks of single characters.
    if not config.teaches_masks or data.glyph_source == "kmeans":
        for source in data.sources:
            if isinstance(source, FolderSource) and source.recombine:
                notify(f"{source.path}: recombine of no effect, since this run learns from no masks of characters")
    if not config.teaches_masks:
        return without_masks

    def attach_masks(words: WordCollection, path: Path | None, source: Source) -> WordCollection:
        if data.glyph_source == "kmeans":
            return KmeansWords(words)
        # Rendered words know their ink exactly.
        if isinstance(words, RenderedWords):
            return words.with_masks()
        assert path is not None
        assert not isinstance(source, RenderedSource)
        # Real words take what `glyphsr extract` found, in the order of their data set.
        glyphs = GlyphLmdb(find_glyphs(path, source.glyphs))
        check_belongs(glyphs, path)
        if len(glyphs) < len(words):
            notify(f"{glyphs.path}: masks of the first {len(glyphs)} of {len(words)} words; the others teach none")
        return ExtractedWords(words, glyphs, data.min_glyph_quality)

    return attach_masks
