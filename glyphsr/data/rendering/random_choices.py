"""Random choices, the way people speak of them."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")


class RandomChoices:
    """A NumPy generator with short names; scalars without its overhead.

    Args:
        rng: Source of every draw.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.unit = rng.random
        """A number in [0, 1)."""
        self.normal = rng.standard_normal
        """Mean 0, deviation 1."""

    def happens(self, probability: float) -> bool:
        """True for this fraction of the calls; draws even where that is certain, so that settings change one thing."""
        return bool(self.unit() < probability)

    def between(self, limits: tuple[float, float]) -> float:
        """Evenly from a range."""
        return limits[0] + (limits[1] - limits[0]) * float(self.unit())

    def around(self, centre: float, reach: float) -> float:
        """Evenly from ``centre - reach`` to ``centre + reach``."""
        return centre + reach * (2 * float(self.unit()) - 1)

    def number(self, least: int, greatest: int) -> int:
        """A whole number, both ends included."""
        return least + int(self.unit() * (greatest - least + 1))

    def pick(self, items: Sequence[T]) -> T:
        """One of them."""
        return items[int(self.unit() * len(items))]

    def pick_by(self, weights: Mapping[T, float]) -> T:
        """One of them, by weight."""
        left = float(self.unit()) * sum(weights.values())
        for item, weight in weights.items():
            left -= weight
            if left < 0:
                return item
        return [item for item, weight in weights.items() if weight][-1]  # rounding left a rest
