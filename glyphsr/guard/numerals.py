"""Numbers with marks in them, which say something else without: prices, times, dates."""

import re
import unicodedata

MARKED = re.compile(r"\d+(?:[.,:/'-]\d+)+")

ALIKE = str.maketrans("\u2019\u2013\u2014", "'--")
"""Marks that readers take for each other."""


def _plain(text: str) -> str:
    """Marks and digits of full width as those of ASCII."""
    return unicodedata.normalize("NFKC", text).translate(ALIKE)


def marked_numbers(text: str) -> tuple[str, ...]:
    """Numbers that have a mark between two of their digits, in order.

    Example:
        >>> marked_numbers("2.85 + 16.59 at 9:30, 7 times")
        ('2.85', '16.59', '9:30')
    """
    return tuple(MARKED.findall(_plain(text)))


def has_digits(text: str, number: str) -> bool:
    """Whether the digits of a number stand in a text, whatever is between them, and no further digit beside them.

    Example:
        >>> has_digits("only 2 85!", "2.85"), has_digits("12:30", "2:30")
        (True, False)
    """
    digits = r"[\W_]*".join(re.findall(r"\d", number))
    return re.search(rf"(?<!\d){digits}(?!\d)", _plain(text)) is not None
