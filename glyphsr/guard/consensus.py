"""What several readers agree that a word says before anything is drawn."""

from collections import Counter
from collections.abc import Sequence

from glyphsr.guard.dictionary import is_out_of_dictionary
from glyphsr.guard.ensemble import count_agreeing
from glyphsr.guard.numerals import marked_numbers
from glyphsr.text.charset import comparable

MIN_CONSENSUS = 3
"""Of the guard's reader, the three voters and the prior. Of held-out words on which so many agree, and which are
English, 98% say that; of those on which two do, 93%."""


def consensus_text(read: str, judged: Sequence[str], prior_text: str) -> str | None:
    """The text that most of the readers of a plain enlargement agree on, in the case in which it is likeliest written.

    Args:
        read: What the guard's reader reads.
        judged: What the voters read; they know no case.
        prior_text: What the network was told to draw by its prior.

    Returns:
        ``None`` where fewer than :data:`MIN_CONSENSUS` agree, where it is no English word, and where the guard's reader
        sees a number with a mark, which neither the judges nor the prior know.

    Example:
        >>> consensus_text("Coming", ["coming", "coming", "gomine"], "Comine")
        'Coming'
        >>> consensus_text("Coning", ["coming", "coming", "coming"], "GOMING")
        'COMING'
        >>> consensus_text("Coming", ["coming", "gomine", "cominc"], "Comine") is None
        True
    """
    texts = [comparable(prior_text), comparable(read), *map(comparable, judged)]
    text, count = Counter(texts).most_common(1)[0]
    if not text or count < MIN_CONSENSUS or is_out_of_dictionary(text) or marked_numbers(read):
        return None
    for written in (prior_text, read):
        if count_agreeing(text, [written]):
            return written
    return _written_like(prior_text if comparable(prior_text) else read, text)


def _written_like(model: str, text: str) -> str:
    """In capitals, with a capital, or in small letters, as another reading of the same word is written."""
    letters = [letter for letter in model if letter.isalpha()]
    if sum(letter.isupper() for letter in letters) > len(letters) / 2:
        return text.upper()
    return text.capitalize() if letters and letters[0].isupper() else text
