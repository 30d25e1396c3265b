"""Words degraded at each difficulty, to measure with."""

import numpy as np

from glyphsr.config.degradation import DegradationConfig
from glyphsr.data.degradation.levels import degrade_at_levels

from ...conftest import draw_word


def test_each_difficulty_has_its_draws_and_the_harder_ones_are_softer():
    hr = draw_word("HOTEL", 48)
    found = dict(degrade_at_levels(hr, DegradationConfig(), np.random.default_rng(0), draws=12))
    assert list(found) == ["easy", "medium", "hard"]
    width = round(hr.shape[1] * 32 / 48 / 2)
    assert {picture.shape for pictures in found.values() for picture in pictures} == {(16, width, 3)}
    edges = [
        np.mean([np.abs(np.diff(picture.astype(float), axis=1)).mean() for picture in found[name]]) for name in found
    ]
    assert edges[0] > edges[1] > edges[2]
    again = dict(degrade_at_levels(hr, DegradationConfig(), np.random.default_rng(0), draws=12))
    assert np.array_equal(found["hard"][11], again["hard"][11])
    assert not np.array_equal(found["hard"][11], found["hard"][10])
