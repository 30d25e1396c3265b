"""Words at several difficulties side by side, so that one can look at a degradation."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from glyphsr.config.synth import SynthConfig
from glyphsr.data.degradation.apply import degrade
from glyphsr.data.glyph_lmdb import check_pairs
from glyphsr.data.hr_images import open_hr_words
from glyphsr.data.lmdb_pairs import decode_rgb
from glyphsr.data.rendering.words import RENDER_STREAM, WordRenderer
from glyphsr.data.sources import find_lmdb
from glyphsr.dataset_tools.synth_worker import DEGRADE_STREAM
from glyphsr.errors import ConfigError, DataError
from glyphsr.images.formats import SUFFIXES
from glyphsr.images.resize import resize_like_pil
from glyphsr.safe_reading.content import read_content
from glyphsr.safe_reading.limits import PICTURE_BYTES
from glyphsr.system.rng import stream
from glyphsr.viz.degradation_sheet import degradation_sheet

MAX_ASPECT = 100
"""Longest picture in heights; longer ones are squeezed."""

DIFFICULTIES = (0.0, 0.25, 0.5, 0.75, 1.0)


def view_degradation(
    source: str | None = None,
    *,
    config: SynthConfig | None = None,
    difficulties: Sequence[float] = DIFFICULTIES,
    words: int = 8,
    data_root: str | None = None,
    notify: Callable[[str], None] | None = None,
) -> NDArray[np.uint8]:
    """A sheet: a row per word, its HR picture first, then what becomes of it at each difficulty.

    Args:
        source: Picture, folder of pictures, LMDB, or a name under the data root; ``None`` for rendered words.
        config: What to render, the degradation, the seed.
        difficulties: One column each, 0 to 1.
        words: Rows, taken evenly from the source.
        data_root: Where names are looked up first.
        notify: Called with a message when many fonts have to be checked first.

    Returns:
        ``(H, W, 3)`` uint8.

    Raises:
        ConfigError: If a difficulty is none.
        DataError: If the source is not available, or there is no font.
    """
    settings = config or SynthConfig()
    if not difficulties or not all(0 <= d <= 1 for d in difficulties):
        raise ConfigError(f"difficulties: expected numbers from 0 to 1, got {', '.join(map(str, difficulties))}")

    rows = []
    for i, hr in enumerate(_pictures(source, settings, words, data_root, notify)):
        height = settings.render.height
        aspect = min(hr.shape[1] / hr.shape[0], MAX_ASPECT)

        line = resize_like_pil(hr, (height, max(2, round(aspect * height / 2) * 2)))

        versions = []
        for difficulty in difficulties:
            own = {"difficulty": (difficulty, difficulty), "mild_prob": 0.0}
            rng = stream(settings.seed, DEGRADE_STREAM, i)  # the same draws in every column
            versions.append(degrade(line, settings.degradation.model_copy(update=own), rng))

        rows.append((line, versions))

    return degradation_sheet(rows, difficulties)


def _pictures(
    source: str | None,
    settings: SynthConfig,
    words: int,
    data_root: str | None,
    notify: Callable[[str], None] | None,
) -> Iterator[NDArray[np.uint8]]:
    if source is None:
        renderer = WordRenderer(settings.render, notify)
        for i in range(words):  # of as many fonts
            yield renderer.render(stream(settings.seed, RENDER_STREAM, i)).image
        return

    path = Path(source)
    if path.is_file():
        yield decode_rgb(read_content(path, PICTURE_BYTES), str(path))
        return

    if not path.is_dir():
        if path.suffix.lower() in SUFFIXES:
            raise DataError(f"{source}: no such picture")
        path = find_lmdb(source, data_root)[0]

    check_pairs(path)
    collection = open_hr_words(path)
    if not len(collection):
        raise DataError(f"{path}: no words in it")

    # Spread over the set.
    for i in np.linspace(0, len(collection) - 1, min(words, len(collection))).round().astype(int):
        yield collection.read(int(i)).hr
