"""Word accuracy as STISR counts it."""

from glyphsr.text.charset import filter_lower


def words_match(prediction: str, label: str) -> bool:
    """Whether two texts are equal once only lower-cased letters and digits are left; empty equals empty.

    Source: TextZoom's evaluation (``str_filt(..., "lower")`` on both sides).

    Example:
        >>> words_match("Don't", "DONT")
        True
    """
    return filter_lower(prediction) == filter_lower(label)
