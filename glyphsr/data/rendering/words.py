"""Renders words: texts, fonts, geometry, colours and the exact mask of every character."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from glyphsr.config.rendering import RenderConfig
from glyphsr.data.noise import FIELD_SIZE, noise_at
from glyphsr.data.rendering.backgrounds import Picture, find_photographs, grounds_fingerprint, make_background, shade
from glyphsr.data.rendering.clutter import cover_clutter, plan_clutter, with_room
from glyphsr.data.rendering.colours import choose_palette
from glyphsr.data.rendering.coverage import masks_of, union
from glyphsr.data.rendering.effects import Coverage, alpha_composite, ink_text
from glyphsr.data.rendering.fonts import Font, FontBook, Notify, find_fonts, open_font
from glyphsr.data.rendering.layout import EM_PER_HEIGHT, Layout, Margins, UndrawableError, place
from glyphsr.data.rendering.random_choices import RandomChoices
from glyphsr.data.rendering.text_sampler import TextSampler, open_texts
from glyphsr.errors import DataError
from glyphsr.system.rng import stream
from glyphsr.types import Sample

RUN = 8
"""Words in a row that share a font and a photograph."""

RENDER_STREAM = 4
"""First number after the seed of rendered words."""

RUN_STREAM = (1 << 32) - 1
"""Number after the seed of what words of a run share; no set has as many words."""

SMALL_CAPS = (0.68, 0.85)
"""Height of small capitals, in that of the first letter."""

T = TypeVar("T")


class Shared(NamedTuple):
    """What words of a run have in common, each as a place among all that there are, from 0 to 1."""

    font: float
    photograph: float


MAX_TRIES = 50
"""Draws after which a font and text that leave no ink are no accident."""


@dataclass(frozen=True, eq=False)
class RenderedWord:
    """A picture, its text, and exactly where each character is."""

    image: NDArray[np.uint8]
    """``(H, W, 3)`` uint8 RGB, both sides even."""
    text: str
    """What it says, case as it is drawn."""
    chars: NDArray[np.bool_] | None
    """``(L, H, W)``: one mask per character of the text without its spaces; ``None`` where they were not asked for."""
    layout: Layout
    font: str
    """File that it is drawn with."""

    def as_sample(self, name: str) -> Sample:
        """HR side and masks."""
        if self.chars is None:
            return Sample(name, self.image, self.text)
        return Sample(name, self.image, self.text, line=np.asarray(self.chars.any(axis=0)), chars=self.chars)


class WordRenderer:
    """Draws words; the same generator state gives the same word on the same fonts.

    Args:
        config: What to draw and how.
        notify: Called with a message when many fonts have to be checked first.

    Raises:
        DataError: If there is no usable font, or a file or folder of the configuration cannot be used.
    """

    def __init__(self, config: RenderConfig, notify: Notify | None = None) -> None:
        self.config = config
        self.book: FontBook = find_fonts(config.fonts, notify)
        self.photographs = find_photographs(config.backgrounds)
        self.texts: TextSampler = open_texts(config, self.book)
        self._run: tuple[tuple[int, ...], Shared] = ((), Shared(0.0, 0.0))

    def origin(self) -> dict[str, str]:
        """Digests of the fonts, texts and photographs that words are made of, wherever they lie."""
        return {
            "fonts": self.book.fingerprint(),
            "texts": self.texts.fingerprint(),
            "backgrounds": grounds_fingerprint(self.photographs),
        }

    def word(
        self, seed: int, number: int, *, numbers: tuple[int, ...] = (RENDER_STREAM,), masks: bool = False
    ) -> RenderedWord:
        """The word of a number: it and the seed decide everything about it.

        :data:`RUN` words in a row share a font and a photograph: opening them takes as long as drawing several words.

        Args:
            seed: Of all words together.
            number: Counted from 0.
            numbers: What parts these words from others of the same seed.
            masks: As for :meth:`render`.
        """
        key = (seed, *numbers, number // RUN)
        run = self._run
        if run[0] != key:
            common = stream(seed, *numbers, RUN_STREAM, number // RUN)
            run = self._run = (key, Shared(float(common.random()), float(common.random())))
        return self.render(stream(seed, *numbers, number), masks=masks, shared=run[1])

    def render(self, rng: np.random.Generator, *, masks: bool = False, shared: Shared | None = None) -> RenderedWord:
        """Draw one random word.

        Args:
            rng: Source of every draw.
            masks: Make the mask of every character; the picture is the same without.
            shared: What the word has in common with others; drawn where it is not given.

        Raises:
            DataError: If a font or photograph can no longer be read, or nothing that was tried leaves ink.
        """
        draws = RandomChoices(rng)
        # Drawn in any case, so that a word alone is the same as in a run.
        own = Shared(float(draws.unit()), float(draws.unit()))

        font, photograph = shared or own
        for _ in range(MAX_TRIES):
            text = self.texts.write(draws)
            fonts = self.book.able(text)
            if not fonts:
                continue
            try:
                return self._draw(text, _at(fonts, font), photograph, draws, masks=masks)
            except UndrawableError:
                font = float(draws.unit())  # some draw slivers or blanks

        raise DataError(
            f"{text!r}: cannot be seen in {MAX_TRIES} draws at height {self.config.height}; expected shorter texts, "
            "larger pictures, or other fonts"
        )

    def _draw(self, text: str, font: Font, photograph: float, draws: RandomChoices, *, masks: bool) -> RenderedWord:
        config = self.config
        clutter = plan_clutter(draws, config.clutter_prob)
        # No draw where there are none, so that data sets made before there were any come out as they did.
        loose = config.loose_prob > 0 and draws.happens(config.loose_prob)
        limits = config.loose_margin if loose else config.margin
        margins = with_room(Margins(*(draws.between(limits) for _ in range(4))), clutter)
        em = round(EM_PER_HEIGHT * config.height)
        small = 1.0
        # No draw where there are none, so that data sets made before there were any come out as they did.
        if config.small_caps_prob and _can_be_small_caps(text) and draws.happens(config.small_caps_prob):
            text, small = text.upper(), draws.between(SMALL_CAPS)

        # Geometry, ink and masks; what cannot be seen is drawn again by the caller.
        layout = place(text, open_font(font.path, em), config=config, draws=draws, margins=margins, small=small)
        coverage, chars = masks_of(layout) if masks else (union(layout.glyphs, layout.size), None)
        if int(coverage.max()) < 64:
            raise UndrawableError

        ink = coverage.astype(np.float32) / np.float32(255)
        other = None if clutter is None else cover_clutter(clutter, layout, draws)
        image = self._paint(ink, other, _at(self.photographs, photograph) if self.photographs else None, draws)
        return RenderedWord(image, _capitals(text) if font.is_unicase else text, chars, layout, font.path)

    def _paint(
        self, ink: Coverage, clutter: Coverage | None, photograph: str | None, draws: RandomChoices
    ) -> NDArray[np.uint8]:
        config = self.config
        # From the back to the front: ground, clutter, ink, light.
        palette = choose_palette(draws, config)

        picture = make_background(palette.background, ink.shape, draws, config=config, photograph=photograph)
        if clutter is not None:
            alpha_composite(picture, clutter, palette.ink if draws.happens(0.7) else palette.second)

        ink_text(picture, ink, palette, draws=draws, config=config)
        shade(picture, draws, config.shade)

        # The camera: a little softness and noise, before any degradation.
        sigma = draws.between(config.softness) * config.height / 32
        if sigma > 0.2:
            for plane in picture:
                cv2.GaussianBlur(plane, (0, 0), sigma, dst=plane, borderType=cv2.BORDER_REPLICATE)

        picture += np.float32(draws.between(config.noise)) * noise_at(draws.number(0, FIELD_SIZE - 1), picture.shape)
        return as_bytes(picture)


def _can_be_small_caps(text: str) -> bool:
    words = text.split()
    return text.istitle() and len(text) > 1 and all(word.isascii() and word.isalpha() for word in words)


def _capitals(text: str) -> str:
    """In capitals; of other letters than ASCII's nobody has looked how such a font draws them."""
    return "".join(char.upper() if char.isascii() else char for char in text)


def _at(items: Sequence[T], place: float) -> T:
    return items[int(place * len(items))]


def as_bytes(picture: Picture) -> NDArray[np.uint8]:
    """``(H, W, 3)`` uint8, rounded and clipped."""
    np.clip(picture, 0, 1, out=picture)
    return np.asarray(cv2.merge([cv2.convertScaleAbs(plane, alpha=255) for plane in picture]), np.uint8)


def render_words(config: RenderConfig, count: int, *, seed: int = 0) -> list[Sample]:
    """Some words with their masks, for tutorials and tests.

    Args:
        config: What to draw and how.
        count: How many.
        seed: Of all draws.

    Returns:
        HR samples with exact masks.

    Raises:
        DataError: As :class:`WordRenderer`.
    """
    renderer = WordRenderer(config)
    words = (renderer.word(seed, i, masks=True) for i in range(count))
    return [word.as_sample(f"rendered/{i + 1:06d}") for i, word in enumerate(words)]
