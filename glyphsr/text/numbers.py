"""Numbers with marks in them, which say something else without: prices, times, dates."""

import re

MARKED = re.compile(r"\d+(?:[.,:/'-]\d+)+")


def marked_numbers(text: str) -> tuple[str, ...]:
    """Numbers that have a mark between two of their digits, in order.

    Example:
        >>> marked_numbers("2.85 + 16.59 at 9:30, 7 times")
        ('2.85', '16.59', '9:30')
    """
    return tuple(MARKED.findall(text))
