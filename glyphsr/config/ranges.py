"""Types that several classes of settings use: sizes, fractions and ranges."""

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

Fraction = Annotated[float, Field(ge=0, le=1)]
NonNegative = Annotated[float, Field(ge=0)]

Positive = Annotated[int, Field(ge=1, le=16_384)]
"""Number of channels and the like.

The upper ends here keep a checkpoint's header from asking for more than any network needs.
"""
EvenWidth = Annotated[int, Field(ge=4, le=16_384, multiple_of=4)]
"""Number of channels that can be halved twice."""
Layers = Annotated[int, Field(ge=1, le=64)]
"""Number of layers or blocks."""
LineHeight = Annotated[int, Field(ge=1, le=512)]
"""Height of a line in pixels."""


def _in_order(limits: tuple[float, float]) -> tuple[float, float]:
    if not 0 <= limits[0] <= limits[1]:
        raise ValueError(f"expected two values of at least 0, the smaller one first, got {list(limits)}")
    return limits


def _as_range(value: Any) -> Any:
    if isinstance(value, list):  # a validator gets JSON's lists as they are, and strict tuples refuse lists
        return tuple(value)
    return (value, value) if isinstance(value, int | float) and not isinstance(value, bool) else value


Range = Annotated[tuple[float, float], AfterValidator(_in_order)]
"""Least and greatest value, both at least 0."""

FractionRange = Annotated[tuple[Fraction, Fraction], BeforeValidator(_as_range), AfterValidator(_in_order)]
"""A fraction, or the least and the greatest one."""

FractionEnds = tuple[Fraction, Fraction]
"""Fractions of the pictures at difficulty 0 and at difficulty 1; linear in between."""
