"""What several readers agree that a word says before anything is drawn."""

from collections import Counter
from collections.abc import Sequence

from glyphsr.guard.dictionary import is_no_word
from glyphsr.guard.ensemble import votes_for
from glyphsr.guard.numerals import marked_numbers
from glyphsr.text.charset import comparable

AGREED = 3
"""Of the guard's reader, the three voters and the prior. Of held-out words on which so many agree, and which are
English, 98% say that; of those on which two do, 93%."""


def agreed_text(read: str, judged: Sequence[str], drawn: str) -> str | None:
    """The text that most of the readers of a plain enlargement agree on, in the case in which it is likeliest written.

    Args:
        read: What the guard's reader reads.
        judged: What the voters read; they know no case.
        drawn: What the network was told to draw by its prior.

    Returns:
        ``None`` where fewer than :data:`AGREED` agree, where it is no English word, and where the guard's reader sees a
        number with a mark, which neither the judges nor the prior know.

    Example:
        >>> agreed_text("Coming", ["coming", "coming", "gomine"], "Comine")
        'Coming'
        >>> agreed_text("Coning", ["coming", "coming", "coming"], "GOMING")
        'COMING'
        >>> agreed_text("Coming", ["coming", "gomine", "cominc"], "Comine") is None
        True
    """
    texts = [comparable(drawn), comparable(read), *map(comparable, judged)]
    text, count = Counter(texts).most_common(1)[0]
    if not text or count < AGREED or is_no_word(text) or marked_numbers(read):
        return None
    for written in (drawn, read):
        if votes_for(text, [written]):
            return written
    return _written_like(drawn if comparable(drawn) else read, text)


def _written_like(model: str, text: str) -> str:
    """In capitals, with a capital, or in small letters, as another reading of the same word is written."""
    letters = [letter for letter in model if letter.isalpha()]
    if sum(letter.isupper() for letter in letters) > len(letters) / 2:
        return text.upper()
    return text.capitalize() if letters and letters[0].isupper() else text
