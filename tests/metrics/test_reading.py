import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glyphsr.metrics.accuracy import words_match
from glyphsr.metrics.averages import bootstrap_interval, plain_mean, weighted_mean
from glyphsr.metrics.edit import character_error_rate, edit_distance, edit_similarity
from glyphsr.metrics.mcnemar import mcnemar

TEXT = st.text("ab1", max_size=6)

TEXTZOOM = [1619, 1411, 1343]


@pytest.mark.parametrize(
    ("row", "weighted", "plain"),
    [
        ([71.40, 64.78, 48.03], 62.09, 61.40),
        ([70.78, 62.08, 48.10], 61.01, 60.32),
        ([67.76, 60.38, 45.94], 58.68, 58.03),
        ([69.49, 61.16, 46.69], 59.80, 59.11),
        ([76.4, 75.1, 64.6], 72.4, 72.0),
    ],
)
def test_both_averages_give_the_papers_rows(row, weighted, plain):
    assert weighted_mean(row, TEXTZOOM) == pytest.approx(weighted, abs=0.051 if weighted == 72.4 else 0.0051)
    assert plain_mean(row) == pytest.approx(plain, abs=0.051 if plain == 72.0 else 0.0051)


def test_the_weighted_mean_is_the_share_of_all_samples():
    hits = [1156, 914, 645]
    values = [hit / count for hit, count in zip(hits, TEXTZOOM, strict=True)]
    assert weighted_mean(values, TEXTZOOM) == pytest.approx(2715 / 4373)
    assert math.isnan(weighted_mean([], []))
    assert math.isnan(plain_mean([]))


@given(TEXT, TEXT, TEXT)
def test_edit_distance_is_a_metric(a, b, c):
    assert edit_distance(a, b) == edit_distance(b, a)
    assert (edit_distance(a, b) == 0) == (a == b)
    assert edit_distance(a, c) <= edit_distance(a, b) + edit_distance(b, c)
    assert 0 <= edit_similarity(a, b) <= 1


def test_cer_counts_characters_of_all_labels_and_empty_texts_are_alike():
    assert character_error_rate([2, 0], [4, 4]) == 0.25
    assert math.isnan(character_error_rate([1], [0]))
    assert edit_similarity("", "") == 1
    assert words_match("", "!?")


def test_bootstrap_of_a_share_has_the_binomials_quantiles():
    hits = np.array([1.0] * 300 + [0.0] * 700)
    low, high = bootstrap_interval([hits], resamples=20_000)
    spread = 1.96 * math.sqrt(0.3 * 0.7 / 1000)
    assert (low, high) == pytest.approx((0.3 - spread, 0.3 + spread), abs=0.002)


def test_bootstrap_keeps_each_subsets_size():
    # One subset always right, one always wrong: resampled together they would vary, apart they cannot.
    assert bootstrap_interval([np.ones(30), np.zeros(70)]) == (0.3, 0.3)
    assert all(map(math.isnan, bootstrap_interval([np.zeros(0)])))
    assert all(map(math.isnan, bootstrap_interval([np.ones(3)], resamples=0)))


def test_bootstrap_of_continuous_values_follows_the_central_limit():
    values = np.random.default_rng(1).normal(20, 2, 500)
    low, high = bootstrap_interval([values], resamples=5000)
    spread = 1.96 * values.std() / math.sqrt(500)
    assert (low, high) == pytest.approx((values.mean() - spread, values.mean() + spread), abs=0.02)


@pytest.mark.parametrize(
    ("only_first", "only_second", "p"),
    [(0, 0, 1.0), (1, 0, 1.0), (5, 0, 2 / 32), (1, 6, 2 * (1 + 7) / 128), (4, 4, 1.0), (10, 2, 2 * 79 / 4096)],
)
def test_mcnemar_is_the_binomial_test_of_the_discordant_samples(only_first, only_second, p):
    first = [True] * only_first + [False] * only_second + [True, False]
    second = [False] * only_first + [True] * only_second + [True, False]
    found = mcnemar(first, second)
    assert (found.only_first, found.only_second) == (only_first, only_second)
    assert found.p_value == pytest.approx(p)


def test_mcnemar_stands_many_samples_and_refuses_unequal_ones():
    found = mcnemar([True] * 3000 + [False] * 1000, [False] * 3000 + [True] * 1000)
    assert 0 < found.p_value < 1e-200
    with pytest.raises(ValueError, match="per sample"):
        mcnemar([True], [])
