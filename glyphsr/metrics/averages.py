"""Means over subsets, and how sure they are."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def weighted_mean(values: Sequence[float], counts: Sequence[int]) -> float:
    """Mean over all samples of all subsets: the averaging of the paper's tables.

    Args:
        values: One mean per subset.
        counts: Samples of each.

    Example:
        >>> round(weighted_mean([71.40, 64.78, 48.03], [1619, 1411, 1343]), 2)
        62.09
    """
    return float(np.average(values, weights=counts)) if sum(counts) else float("nan")


def plain_mean(values: Sequence[float]) -> float:
    """Mean over subsets, each counting the same: what the released test script prints.

    Example:
        >>> round(plain_mean([71.40, 64.78, 48.03]), 2)
        61.4
    """
    return float(np.mean(values)) if values else float("nan")


def bootstrap_interval(
    groups: Sequence[NDArray[np.float64]], *, resamples: int = 2000, level: float = 0.95, seed: int = 0
) -> tuple[float, float]:
    """Percentile bootstrap of the mean over all samples; each subset is resampled at its own size.

    Args:
        groups: Values of each subset's samples.
        resamples: How many data sets are drawn.
        level: Coverage.
        seed: Of the draws.

    Returns:
        Lower and upper end; NaN without samples.
    """
    groups = [group for group in groups if len(group)]

    total = sum(len(group) for group in groups)
    if not total or not resamples:
        return float("nan"), float("nan")

    rng = np.random.default_rng(seed)
    sums = np.zeros(resamples)

    for group in groups:
        values, counts = np.unique(group, return_counts=True)
        # Drawing n samples with replacement is one draw of how often each distinct value comes.
        drawn = rng.multinomial(len(group), counts / len(group), size=resamples)
        sums += drawn @ values

    low, high = np.quantile(sums / total, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
