"""Which texts are words: what is none, and looks like one, was more often misread."""

from functools import cache

from glyphsr.errors import ConfigError
from glyphsr.text.charset import comparable

LEAST_LETTERS = 3
"""Shorter ones are initials and units as often as words."""


@cache
def english_words() -> frozenset[str]:
    """Some 140,000 words, letters and digits without case; a third of a second the first time.

    Raises:
        ConfigError: If ``pyspellchecker``, whose list it is, is not installed.
    """
    try:
        from spellchecker import SpellChecker
    except ImportError as error:
        raise ConfigError("--guard: pyspellchecker is not installed; pip install 'glyphsr[ocr]'") from error
    return frozenset(comparable(word) for word in SpellChecker(language="en").word_frequency.words())


def is_out_of_dictionary(text: str) -> bool:
    """Whether a text is letters in an order that English does not know; numbers, codes and short texts are not judged.

    Example:
        >>> [is_out_of_dictionary(text) for text in ("ONUNE", "ONLINE", "K9X", "TV")]
        [True, False, False, False]
    """
    letters = comparable(text)
    return len(letters) >= LEAST_LETTERS and letters.isalpha() and letters not in english_words()
