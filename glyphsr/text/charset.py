"""The alphabets of the field, in the order of the published recognizers."""

import string
import unicodedata

DIGITS = string.digits
LOWER_ALPHANUMERIC = DIGITS + string.ascii_lowercase
"""36 symbols: digits, then a-z. CRNN, MORAN and the Telescope recognizer use this order."""

ALPHANUMERIC = LOWER_ALPHANUMERIC + string.ascii_uppercase
"""62 symbols: digits, a-z, A-Z."""

PRINTABLE_94 = ALPHANUMERIC + string.punctuation
"""94 symbols: digits, a-z, A-Z, then ASCII punctuation; PARSeq's and ASTER's order."""

PRINTABLE_95 = PRINTABLE_94 + " "
"""95 symbols: all printable ASCII characters, the space last."""

STROKES = "123456789"
"""Text Gestalt's nine strokes; 0 ends a text."""

CHARSETS = {36: LOWER_ALPHANUMERIC, 62: ALPHANUMERIC, 94: PRINTABLE_94, 95: PRINTABLE_95}
"""Charset by its number of symbols."""


def keep(text: str, charset: str) -> str:
    """The characters of a text that are in a charset, as they are.

    Example:
        >>> keep("A&B's #1", ALPHANUMERIC)
        'ABs1'
    """
    return "".join(c for c in text if c in charset)


def filter_lower(text: str) -> str:
    """Lower-case a text and keep digits and a-z only: the form in which STISR accuracy compares texts.

    Source: ``str_filt(text, "lower")`` of the TextZoom evaluation.

    Example:
        >>> filter_lower("CAFÉ-2025")
        'caf2025'
    """
    return keep(text.lower(), LOWER_ALPHANUMERIC)


def filter_to(text: str, charset: str) -> str:
    """Keep the characters of ``charset``; where only the other case is in it, use that.

    Example:
        >>> filter_to("It's 5!", LOWER_ALPHANUMERIC)
        'its5'
    """
    return keep("".join(c if c in charset else c.lower() for c in text), charset)


def comparable(text: str) -> str:
    """Letters and digits of any script, without case, accents and forms: what two readers may be compared by.

    Example:
        >>> comparable("Café №5!"), comparable("東京-ABC")
        ('cafeno5', '東京abc')
    """
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return "".join(char for char in decomposed if char.isalnum())
