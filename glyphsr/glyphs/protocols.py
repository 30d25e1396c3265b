"""What locates characters and what segments them: small protocols, so that both can be replaced."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from glyphsr.glyphs.word import Word


@dataclass(frozen=True, eq=False)
class KeyPoints:
    """Where the characters of a word are; lengths are pixels of the frame, pixel centres at whole numbers."""

    points: NDArray[np.float64]
    """``(L, P, 2)``: P key points ``(x, y)`` per character, the paper's two."""
    sources: tuple[str, ...]
    """What located each character: ``attention`` or ``cuts``."""
    attention: NDArray[np.bool_]
    """``(L, H, W)``: glyph attention, the region in which each character is expected; empty where it is unusable."""
    reasons: tuple[str | None, ...]
    """Why a character was located by other means than asked for."""


@dataclass(frozen=True, eq=False)
class Prompts:
    """All prompts of a word."""

    points: NDArray[np.float64]
    """``(M, 2)``: single positive points ``(x, y)`` in the frame."""
    owners: NDArray[np.int64]
    """``(M,)``: the character that each stands for."""


@dataclass(frozen=True, eq=False)
class Candidates:
    """Masks that a segmenter offers for the prompts of a word."""

    masks: NDArray[np.bool_]
    """``(N, H, W)`` in the frame."""
    confidence: NDArray[np.float64]
    """``(N,)``: the segmenter's own estimate."""
    prompts: NDArray[np.int64]
    """``(N,)``: index of the prompt that each mask answers."""


class Localizer(Protocol):
    """Finds the characters of words whose text is known."""

    def locate(self, words: Sequence[Word]) -> list[KeyPoints]:
        """Key points of each word, in order."""
        ...


class Segmenter(Protocol):
    """Answers all prompts of a word with masks.

    It takes whole words, since some segmenters need all key points of a word at once, and several words, since others
    encode them together.
    """

    def segment(
        self, words: Sequence[Word], key_points: Sequence[KeyPoints], prompts: Sequence[Prompts]
    ) -> list[Candidates]:
        """Candidates of each word, in order; a prompt may have several or none."""
        ...
