"""How wide characters are beside each other, for splitting a word of known text."""

import numpy as np
from numpy.typing import NDArray

# Medians of the advance widths over 1,536 free Latin fonts, in mean widths of a lower-case letter.
_ROWS = {
    0.45: "'",
    0.55: "ijl,.:;!|I",
    0.7: 'ft()[]-{}`/\\"',
    0.8: "rJ",
    0.9: "s",
    1.0: "1cevxyzLF?^~_*",
    1.1: "abdghknopqu023456789$+<=>#",
    1.2: "STYZPXEB",
    1.3: "ARCVK",
    1.4: "DGHNOQU&",
    1.5: "w",
    1.7: "mM%@",
    1.85: "W",
}
_WIDTHS = {char: width for width, chars in _ROWS.items() for char in chars}

TYPICAL = 1.1
"""Width of a character that is not in the table."""


def relative_widths(text: str) -> NDArray[np.float64]:
    """Expected width of each character, in mean widths of a lower-case letter.

    Args:
        text: Characters in reading order.

    Returns:
        ``(L,)`` float64, positive.

    Example:
        >>> relative_widths("im").tolist()
        [0.55, 1.7]
    """
    return np.array([_WIDTHS.get(char, TYPICAL) for char in text], np.float64)
