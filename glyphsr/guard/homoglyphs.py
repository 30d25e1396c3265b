"""Characters that readers without case take for one another."""

from glyphsr.text.charset import comparable

LOOK_ALIKES = str.maketrans("0125i", "olzsl")


def fold_homoglyphs(text: str) -> str:
    """Letters and digits without case, of which those that look alike are one.

    Example:
        >>> fold_homoglyphs("SALE 30") == fold_homoglyphs("sale3o")
        True
        >>> fold_homoglyphs("Gate 12") == fold_homoglyphs("gatel2")
        True
    """
    return comparable(text).translate(LOOK_ALIKES)
