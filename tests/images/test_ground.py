"""No rings beside strokes beyond the ground of a line."""

import numpy as np
import pytest

from glyphsr.images.tiling import within_ground


@pytest.mark.parametrize("dark", [False, True])
def test_rings_are_cut_and_ink_may_become_stronger(dark):
    picture = np.full((20, 60, 3), 0.8, np.float32)
    picture[5:15, 20:40] = 0.4
    result = picture.copy()
    result[4, 20:40] = 0.95  # a ring
    result[5:15, 20:40] = 0.1  # the stroke
    if dark:
        picture, result = 1 - picture, 1 - result
    found = within_ground(result, picture, picture)
    expected = result.copy()
    expected[4, 20:40] = picture[4, 20:40]
    assert np.allclose(found, expected, atol=1e-6)


def test_what_the_enlargement_shows_itself_stays():
    picture = np.full((20, 60, 3), 0.5, np.float32)
    picture[:, 30] = 0.2
    plain = picture.copy()
    plain[3, 3] = 0.9  # a glint
    assert np.allclose(within_ground(plain, picture, plain), plain)
