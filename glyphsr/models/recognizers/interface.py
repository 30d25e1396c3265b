"""What every recognizer offers, whatever its architecture."""

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor


@dataclass(frozen=True)
class Reading:
    """What a recognizer read in one image."""

    text: str
    confidence: float
    """In [0, 1]: the product of the probabilities of the steps that make up the text."""


class Recognizer(Protocol):
    """A network that reads a line of text."""

    num_classes: int
    """Classes K of its probabilities, blank or end of text included."""

    def probabilities(self, images: Tensor) -> Tensor:
        """``(B, 3, h, w)`` in [0, 1] -> class probabilities ``(B, K, T)``."""
        ...

    def decode(self, probabilities: Tensor) -> list[Reading]:
        """Readings of class probabilities ``(B, K, T)``."""
        ...

    def read(self, images: Tensor) -> list[Reading]:
        """``(B, 3, h, w)`` in [0, 1] -> one reading per image."""
        ...
