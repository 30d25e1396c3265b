"""Numbers as people and programs write them, of no more digits than a number that means something has."""

MOST_DIGITS = 18
"""Of a whole number; Python itself refuses to read some thousands, with an error of its own."""

MOST_BITS = 256
"""Of a whole number that a settings file spells in another base."""


def whole_number(text: str) -> int | None:
    """A whole number from 0 that is written in plain digits; ``None`` for anything else.

    Example:
        >>> whole_number("12"), whole_number("-1"), whole_number("²"), whole_number("9" * 5000)
        (12, None, None, None)
    """
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS else None
