"""Types of settings that several classes have: sizes, fractions, ranges, values at two ends."""

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

Fraction = Annotated[float, Field(ge=0, le=1)]
NonNegative = Annotated[float, Field(ge=0)]

Positive = Annotated[int, Field(ge=1, le=16_384)]
"""Channels and the like; the upper ends here keep a checkpoint's header from asking for more than any network needs."""
EvenWidth = Annotated[int, Field(ge=4, le=16_384, multiple_of=4)]
"""Channels that are halved twice."""
Layers = Annotated[int, Field(ge=1, le=64)]
LineHeight = Annotated[int, Field(ge=1, le=512)]
"""In pixels."""


def _in_order(limits: tuple[float, float]) -> tuple[float, float]:
    if not 0 <= limits[0] <= limits[1]:
        raise ValueError(f"expected the least and the greatest value, got {list(limits)}")
    return limits


def _as_range(value: Any) -> Any:
    if isinstance(value, list):  # lists of JSON are no tuples any more behind a validator
        return tuple(value)
    return (value, value) if isinstance(value, int | float) and not isinstance(value, bool) else value


Range = Annotated[tuple[float, float], AfterValidator(_in_order)]
"""Least and greatest value."""

FractionRange = Annotated[tuple[Fraction, Fraction], BeforeValidator(_as_range), AfterValidator(_in_order)]
"""One fraction, or the least and the greatest."""

FractionEnds = tuple[Fraction, Fraction]
"""Fraction of the pictures at difficulty 0 and at difficulty 1."""
