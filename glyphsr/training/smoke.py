"""A training run of two steps, to see that a configuration runs; what is not available is stood in for, and said so."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from glyphsr.config.data import FolderSource, LmdbSource, RenderedSource, Source
from glyphsr.config.training import TrainConfig
from glyphsr.data.glyph_lmdb import find_glyphs
from glyphsr.data.rendering.words import WordRenderer
from glyphsr.data.sources import find_lmdb
from glyphsr.errors import DataError, WeightsError
from glyphsr.weights.hub import resolve
from glyphsr.weights.registry import FALLBACK_RECOGNIZER, local_or_bundled

STEPS = 2
BATCH = 2
SAMPLE_SOURCE = LmdbSource(path="train")


def smoke(config: TrainConfig, notify: Callable[[str], None], *, data_root: str | None = None) -> TrainConfig:
    """The run made small, and fit for a fresh machine.

    Recognizers that are not here are not fetched: a prior starts from random weights, the package's own stands in for
    the text-focus recognizer. Sources that are not here give way to ``train``, and masks that are not here to none.

    Args:
        config: The run as configured.
        notify: Called with a message for everything that stands in.
        data_root: Where named LMDBs are looked up first.
    """
    # Two steps that warm up, validate, save and draw: every part of a run is touched once.
    changes: dict[str, Any] = {"steps": STEPS, "batch_size": BATCH, "save_every": STEPS, "keep_every": None}
    validation = {"every": STEPS, "words": 2, "samples": 2}
    changes["validation"] = config.validation.model_copy(update=validation)
    optimiser = config.optimiser.model_copy(update={"warmup_steps": 1, "accumulation": 1})
    changes["optimiser"] = optimiser

    loss = config.loss
    # Weights that are not here: random ones show the same errors.
    if config.prior_weights is not None and not _is_here(config.prior_weights):
        notify(f"smoke: {config.prior_weights} is not here, so the text prior starts from random weights")
        changes["prior_weights"] = None

    if config.network_weights is not None and not _is_here(config.network_weights):
        notify(f"smoke: {config.network_weights} is not here, so the network starts from random weights")
        changes["network_weights"] = None

    if config.recognizer_weights is not None and not _is_here(config.recognizer_weights):
        notify(f"smoke: {config.recognizer_weights} is not here, so the recognizer starts from random weights")
        changes["recognizer_weights"] = None

    # The text focus needs a recognizer, whichever.
    absent = [name for name in loss.focus_recognizers if config.focuses and not _is_here(local_or_bundled(name))]
    if absent:
        notify(f"smoke: {', '.join(absent)} is not here, so {FALLBACK_RECOGNIZER} stands in for the text focus")
        readers = tuple(FALLBACK_RECOGNIZER if name in absent else name for name in loss.focus_recognizers)
        loss = loss.model_copy(update={"focus_recognizer": readers})

    # Words: what is here of the configured sources, else the sample set of the package.
    sources = tuple(source for source in config.data.sources if _has_words(source, data_root))
    if sources != config.data.sources:
        missing = len(config.data.sources) - len(sources)
        notify(f"smoke: {missing} of {len(config.data.sources)} word sources left out, since they are not here")

    # Masks: without any, the terms that would need them go.
    data = config.data.model_copy(update={"sources": sources or (SAMPLE_SOURCE,)})
    if config.teaches_masks and data.glyph_source == "extracted" and not _has_masks(data.sources, data_root):
        notify("smoke: no glyph masks are here, so nothing is learned from masks")
        loss = loss.model_copy(update={"line": 0.0, "char": 0.0, "columns": 0.0})

    return config.model_copy(update=changes | {"data": data, "loss": loss})


def _is_here(weights: str) -> bool:
    try:
        resolve(weights, offline=True)
    except WeightsError:
        return False
    return True


def _has_words(source: Source, data_root: str | None) -> bool:
    if isinstance(source, FolderSource):
        return Path(source.path).is_dir()

    if isinstance(source, LmdbSource):
        try:
            return bool(find_lmdb(source.path, data_root))
        except DataError:
            return False

    if isinstance(source, RenderedSource):
        try:
            # Which looks for fonts, word lists and photographs.
            WordRenderer(source.render)
        except DataError:
            return False

    return True


def _has_masks(sources: Iterable[Source], data_root: str | None) -> bool:
    try:
        for source in sources:
            if isinstance(source, FolderSource):
                find_glyphs(Path(source.path), source.glyphs)
            elif isinstance(source, LmdbSource):
                for path in find_lmdb(source.path, data_root):
                    find_glyphs(path, source.glyphs)
    except DataError:
        return False
    return True
