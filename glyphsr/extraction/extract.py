"""Extract glyph masks: one picture from Python, or whole data sets, sharded and resumable."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glyphsr.config.extraction import ExtractConfig
from glyphsr.config.reader import validate
from glyphsr.data.glyph_lmdb import SUFFIX
from glyphsr.data.sources import SAMPLE_ROOT, find_lmdb
from glyphsr.errors import ConfigError
from glyphsr.extraction.dataset_run import DatasetExtraction, Report
from glyphsr.extraction.localizers import describe_localizer, open_localizer
from glyphsr.extraction.report import ExtractionReport
from glyphsr.extraction.segmenters import describe_segmenter, open_segmenter
from glyphsr.glyphs.extraction import extract_words, rejected
from glyphsr.glyphs.word import Rejection, prepare_word
from glyphsr.system.shards import parse_shard
from glyphsr.types import Extraction


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
    if config.sam_layout != "padded":
        raise ConfigError("sam_layout: one picture is always padded; the others are tested on a data set by `extract`")
    try:
        word = prepare_word(image, text, squeeze=config.squeezes)
    except Rejection as reason:
        return rejected((image.shape[0], image.shape[1]), str(reason))
    located = describe_localizer(config)
    if config.localizer_name != "auto":  # whose choice cannot surprise
        for notice in located.notices:
            warnings.warn(notice, stacklevel=2)
    localizer = open_localizer(located, config)
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
        """1 if no word could be looked at, 3 if some could not; words rejected for a reason are a result."""
        failed = sum(report.failed for report in self.reports)
        if not failed:
            return 0
        return 1 if failed == sum(report.words for report in self.reports) else 3


def extract(
    lmdb: str,
    out: Path | None = None,
    *,
    shard: str | None = None,
    overwrite: bool = False,
    preview: int = 0,
    progress: Report | None = None,
    notify: Callable[[str], None] | None = None,
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
        progress: Told at the start and after each chunk.
        notify: Told what a person should know before the work begins.
        config: Everything else.

    Raises:
        DataError: If the source is missing.
        ConfigError: If the result exists with other parameters; the difference is named.
        WeightsError: If weights are missing or damaged.
        GlyphSRError: If nothing can be written, or a worker process dies; finished chunks stay.
    """
    config = config or ExtractConfig()
    if preview < 0:
        raise ConfigError(f"--preview: expected 0 or more words, got {preview}")
    share = parse_shard(shard)
    sources = _sources(lmdb, config)
    if out is not None and len(sources) > 1:
        names = " and ".join(path.name for path in sources)
        raise ConfigError(f"--lmdb {lmdb}: stands for {names}; with -o name one of them")
    localizer, segmenter = describe_localizer(config), describe_segmenter(config)
    reports, problems = [], []
    for path in sources:
        one = DatasetExtraction(
            path,
            out or _default_out(path),
            share=share,
            config=config,
            localizer=localizer,
            segmenter=segmenter,
            notify=notify,
        )
        report, bad = one.run(overwrite=overwrite, preview=preview, progress=progress)
        reports.append(report)
        problems += [f"{path}: {problem}" for problem in bad]
    return ExtractRun(tuple(reports), tuple(problems))


def _sources(lmdb: str, config: ExtractConfig) -> list[Path]:
    path = Path(lmdb)
    if path.is_dir() and not (path / "data.mdb").is_file() and any(path.iterdir()):
        return [path]
    return find_lmdb(lmdb, config.data_root)


def _default_out(source: Path) -> Path:
    """Beside the source; never inside the package, whose sample set is nobody's own."""
    if source.resolve().is_relative_to(SAMPLE_ROOT.resolve()):
        return Path(f"{source.name}{SUFFIX}")
    named = source if source.name not in ("", "..") else source.resolve()
    return named.with_name(f"{named.name}{SUFFIX}")
