import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from glyphsr.glyphs.alignment import align
from glyphsr.text.ctc import BLANK


def by_enumeration(probabilities, classes):
    """Posterior of each character at each step, summing over every path: which is what the recursion must give."""
    steps = len(probabilities)
    states = [BLANK]
    for index in classes:
        states += [index, BLANK]
    total, result = 0.0, np.zeros((len(classes), steps))
    for path in itertools.product(range(len(states)), repeat=steps):
        ends = path[0] in (0, 1) and path[-1] in (len(states) - 1, len(states) - 2)
        moves = all(
            b - a in (0, 1) or (b - a == 2 and states[b] != BLANK and states[b] != states[a])
            for a, b in itertools.pairwise(path)
        )
        if not (ends and moves):
            continue
        weight = np.prod([probabilities[t, states[s]] for t, s in enumerate(path)])
        total += weight
        for t, s in enumerate(path):
            if s % 2:
                result[s // 2, t] += weight
    return result / total if total else None


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.lists(st.integers(1, 2), min_size=1, max_size=2), st.integers(2, 5))
def test_alignment_equals_the_sum_over_all_paths(seed, classes, steps):
    probabilities = np.random.default_rng(seed).dirichlet(np.ones(3), steps)
    expected = by_enumeration(probabilities, classes)
    found = align(np.log(probabilities), classes)
    if expected is None:
        assert found is None
    else:
        np.testing.assert_allclose(found, expected, atol=1e-9)


def test_a_text_that_does_not_fit_has_no_alignment():
    assert align(np.log(np.full((2, 3), 1 / 3)), [1, 1]) is None  # a repeat needs a blank between


def test_what_is_no_number_stays_none():
    assert np.isnan(align(np.full((4, 3), np.nan), [1])).all()
