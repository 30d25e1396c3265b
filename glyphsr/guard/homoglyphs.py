"""Characters that readers without case take for one another."""

from glyphsr.text.charset import comparable

LOOK_ALIKES = str.maketrans("0125i", "olzsl")


def folded(text: str) -> str:
    """Letters and digits without case, of which those that look alike are one.

    Example:
        >>> folded("SALE 30") == folded("sale3o"), folded("Gate 12") == folded("gatel2")
        (True, True)
    """
    return comparable(text).translate(LOOK_ALIKES)
