import itertools

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from glyphsr.recognizers.ctc_alignment import align
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
    other = [1] * steps  # a second text in the batch, of another length, changes nothing
    both = torch.from_numpy(np.log(probabilities))[:, None].expand(-1, 2, -1)
    found, fits = align(both, [classes, other])
    if expected is None:
        assert not fits[0]
    else:
        assert fits[0]
        np.testing.assert_allclose(found[0, : len(classes)].numpy(), expected, atol=1e-9)
        assert not found[0, len(classes) :].any()


def test_a_text_that_does_not_fit_has_no_alignment():
    even = torch.full((2, 1, 3), 1 / 3).log()
    assert not align(even, [[1, 1]])[1]  # a repeat needs a blank between
    assert align(even, [[1, 2]])[1]


def test_what_is_no_number_stays_none():
    assert align(torch.full((4, 1, 3), torch.nan), [[1]])[0].isnan().all()


def test_the_alignment_can_be_differentiated_even_where_a_text_does_not_fit():
    logits = torch.randn(3, 2, 4, dtype=torch.float64, requires_grad=True, generator=torch.Generator().manual_seed(0))

    def weighted(scores):
        placed, _ = align(scores.log_softmax(dim=2), [[1, 2], [3, 3, 3]])
        return (placed * torch.arange(3.0, dtype=torch.float64)).sum()

    assert torch.autograd.gradcheck(weighted, logits)
