"""Low-resolution versions of one word at each of the three difficulties, to measure with."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from glyphsr.config.degradation import LEVELS, DegradationConfig
from glyphsr.data.degradation.apply import degrade
from glyphsr.images.resize import resize_like_pil

ROWS = 32
"""HR line height, in pixels."""


def degrade_at_levels(
    hr: NDArray[np.uint8], config: DegradationConfig, rng: np.random.Generator, *, draws: int
) -> Iterator[tuple[str, list[NDArray[np.uint8]]]]:
    """Random low-resolution versions of a line, none of them a mild one.

    Args:
        hr: ``(H, W, 3)`` uint8; brought to 32 rows and an even width first.
        config: Of everything but the difficulty.
        rng: Source of every draw.
        draws: Versions at each difficulty.

    Yields:
        Name of the difficulty, and ``draws`` pictures ``(16, w, 3)`` uint8 of one size.
    """
    line = resize_like_pil(hr, (ROWS, max(8, round(hr.shape[1] * ROWS / hr.shape[0] / 2) * 2)))
    for name, difficulty in LEVELS.items():
        settings = config.model_copy(update={"difficulty": difficulty, "mild_prob": 0.0})
        yield name, [degrade(line, settings, rng) for _ in range(draws)]
