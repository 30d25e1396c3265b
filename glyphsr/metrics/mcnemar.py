"""Whether two systems that read the same samples really differ."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class PairedComparison:
    """Two systems on the same samples."""

    only_first: int
    """Samples that only the first has right."""
    only_second: int
    """Samples that only the second has right."""
    p_value: float
    """Of McNemar's exact two-sided test: how likely so uneven a split is if neither is better."""


def mcnemar(first: Sequence[bool], second: Sequence[bool]) -> PairedComparison:
    """McNemar's exact test on the samples that one system has right and the other has not.

    Raises:
        ValueError: If the lengths differ.

    Example:
        >>> mcnemar([True] * 6, [False] * 6).p_value
        0.03125
    """
    from scipy.stats import binomtest  # takes most of a second to load, and only evaluations with networks ask for it

    if len(first) != len(second):
        raise ValueError(f"expected one outcome of each system per sample, got {len(first)} and {len(second)}")

    only_first = sum(a and not b for a, b in zip(first, second, strict=True))
    only_second = sum(b and not a for a, b in zip(first, second, strict=True))
    discordant = only_first + only_second
    # Two systems that never differ are not distinguished by any sample.
    p_value = float(binomtest(only_first, discordant).pvalue) if discordant else 1.0
    return PairedComparison(only_first, only_second, p_value)
