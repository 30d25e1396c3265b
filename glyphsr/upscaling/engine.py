"""What runs a model: its text prior on a batch of pictures, and its network."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from glyphsr.images.resize import FloatImage
from glyphsr.reading.word_readings import WordReading
from glyphsr.text.lexicon import Lexicon

FloatBatch = NDArray[np.float32]
"""``(B, 3, h, w)`` float32 in [0, 1]."""


@dataclass(frozen=True, eq=False)
class PriorReading:
    """What the prior made of one line or tile."""

    guide: NDArray[np.float32]
    """``(K, T)`` class probabilities that guide the network, given the text."""
    probabilities: NDArray[np.float32]
    """``(K, T)``: as the prior reads them."""
    words: tuple[WordReading, ...]
    """Their places are steps."""
    is_given: bool
    """Whether its text was given."""


class Engine(Protocol):
    """A model in a runtime; the runner knows nothing else of either."""

    has_prior: bool
    reads_along_lines: bool
    """Whether the prior's steps are places, so that a line of many tiles can be read at once."""

    def read(self, batch: FloatBatch, texts: Sequence[str | None], lexicon: Lexicon | None) -> list[PriorReading]:
        """What the prior makes of each picture.

        Args:
            batch: Pictures of one size.
            texts: What they say, where that is known.
            lexicon: Word list by which the prior's own readings are corrected.
        """
        ...

    def super_resolve(self, batch: FloatBatch, guides: Sequence[NDArray[np.float32]]) -> list[FloatImage]:
        """The network's results ``(2h, 2w, 3)``, not clipped.

        Args:
            batch: Pictures of one size.
            guides: ``(K, T)`` each; none for a network without prior.
        """
        ...
