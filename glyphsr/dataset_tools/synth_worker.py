"""One worker of a synthesis: draws chunks of words, degrades them, and encodes everything."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from glyphsr.config.synth import SynthConfig
from glyphsr.data.degradation.apply import degrade_each
from glyphsr.data.degradation.parameters import draw_numbers, sample_params
from glyphsr.data.glyph_lmdb import glyph_values
from glyphsr.data.lmdb_writer import encode_png
from glyphsr.data.rendering.words import RenderedWord, WordRenderer
from glyphsr.errors import GlyphSRError
from glyphsr.glyphs.exact_masks import exact_extraction
from glyphsr.system.process_pool import end_with_parent
from glyphsr.system.rng import stream

CHUNK = 64
"""Words per task."""

DEGRADE_STREAM = 5
"""First number after the seed of degradations."""


@dataclass(frozen=True)
class EncodedWord:
    """All values of one word."""

    hr: bytes
    lr: bytes
    label: str
    font: str
    glyphs: dict[str, bytes] | None


class Synthesizer:
    """Makes words by number; a number and the seed decide everything about a word.

    Args:
        config: What to make.
        renderer: Draws it.
    """

    def __init__(self, config: SynthConfig, renderer: WordRenderer) -> None:
        self.config = config
        self.renderer = renderer

    def make(self, numbers: Sequence[int]) -> list[EncodedWord]:
        """The words of these numbers, counted from 0.

        Raises:
            DataError: As :meth:`glyphsr.data.rendering.words.WordRenderer.render`.
        """
        config = self.config
        words = [self.renderer.word(config.seed, number, masks=config.glyphs) for number in numbers]
        # A stream for each word: chunks may be cut anywhere.
        rngs = (stream(config.seed, DEGRADE_STREAM, number) for number in numbers)
        drawn = np.concatenate([draw_numbers(rng) for rng in rngs])
        params = sample_params(config.degradation, drawn, height=config.render.height)
        lrs = degrade_each([word.image for word in words], params, config.degradation)
        return [self._encode(word, lr) for word, lr in zip(words, lrs, strict=True)]

    def _encode(self, word: RenderedWord, lr: np.ndarray) -> EncodedWord:
        glyphs = None
        if word.chars is not None:
            glyphs = glyph_values(exact_extraction(word.text, word.chars))
        return EncodedWord(encode_png(word.image), encode_png(lr), word.text, word.font, glyphs)


_synthesizer: Synthesizer | None = None


def start_worker(config: SynthConfig, renderer: WordRenderer) -> None:
    """Prepare a process of the pool."""
    global _synthesizer
    end_with_parent()
    cv2.setNumThreads(0)
    _synthesizer = Synthesizer(config, renderer)


def make_chunk(numbers: range) -> list[EncodedWord] | GlyphSRError:
    """Words of a chunk, in a process of the pool; errors come back as values, without a worker's traceback."""
    assert _synthesizer is not None
    try:
        return _synthesizer.make(numbers)
    except GlyphSRError as error:
        return error
