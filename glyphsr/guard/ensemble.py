"""The package's own judges as voters: how many of them read in a picture what was to be drawn."""

from collections.abc import Sequence

import torch

from glyphsr.images.resize import FloatImage, resize
from glyphsr.ocr.readers import Reader, open_reader
from glyphsr.text.charset import comparable

MEMBERS = ("crnn-synth", "moran-synth", "aster-synth")
"""Trained on words squashed to one size; the network and its prior were not taught by what they read."""

MAJORITY = 2

ROWS = 32
"""Taller pictures are reduced to that before the judges squash them, which they do without averaging."""

LONGEST_ASPECT, LONGEST_TEXT = 8.0, 16
"""Of pictures, and characters of texts, on which they may vote: words, which is what they know."""


def is_single_word(picture: FloatImage, prior_text: str, *readings: str) -> bool:
    """Whether a line is a word to them; of phrases they read the letters together, or not at all.

    Args:
        picture: ``(H, W, 3)``.
        prior_text: What the network was told to draw by its prior, which knows no spaces.
        *readings: What a reader who knows them reads.
    """
    height, width = picture.shape[:2]
    is_word = not any(" " in reading.strip() for reading in readings)
    return is_word and 0 < len(comparable(prior_text)) <= LONGEST_TEXT and width <= LONGEST_ASPECT * height


def count_agreeing(text: str, read: Sequence[str]) -> int:
    """How many of the readings are that text, letters and digits without case.

    Example:
        >>> count_agreeing("HOTEL", ["hotel", "motel", "hotel"])
        2
    """
    return sum(comparable(one) == comparable(text) for one in read)


class ReaderEnsemble:
    """The three, loaded once.

    Args:
        device: Where they read.
    """

    def __init__(self, device: torch.device) -> None:
        self.judges: list[Reader] = [open_reader(name, device, offline=True) for name in MEMBERS]

    def read(self, pictures: Sequence[FloatImage]) -> list[tuple[str, ...]]:
        """What each of them reads in each picture, letters and digits without case.

        Args:
            pictures: ``(H, W, 3)`` float32 in [0, 1] each.
        """
        if not pictures:
            return []
        tensors = [torch.from_numpy(_reduced(picture).copy()).permute(2, 0, 1) for picture in pictures]
        read = [[comparable(reading.text) for reading in judge.read(tensors)] for judge in self.judges]
        return list(zip(*read, strict=True))


def _reduced(picture: FloatImage) -> FloatImage:
    height, width = picture.shape[:2]
    return picture if height <= ROWS else resize(picture, (ROWS, max(1, round(width * ROWS / height))))
