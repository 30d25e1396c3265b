"""Word lists with frequencies: which words a reading may have been meant to be."""

import functools
import gzip
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from glyphsr.errors import ConfigError, DataError
from glyphsr.safe_reading.text_files import read_text

ENGLISH = "english"
"""Name of the word list of the package ``pyspellchecker``."""

NONE = "none"

MIN_LETTERS = 3
"""Letters of the shortest word that is looked up; shorter ones are as often names and codes."""

MAX_EDITS = {3: 1, 4: 1, 5: 2, 6: 2, 7: 2}
"""Letters of a reading -> edits up to which words count as near."""

MOST_EDITS = 3
"""Likewise for longer readings."""

MAX_CANDIDATES = 60
"""Near words that are compared with the picture, the nearest first."""

MAX_WORD = 64
"""Characters of the longest word of a list."""


@dataclass(frozen=True)
class Lexicon:
    """A word list."""

    log_frequency: Mapping[str, float]
    """Lower-case word -> natural logarithm of its fraction of running text; equal for all where it is not known."""

    @functools.cached_property
    def words(self) -> tuple[str, ...]:
        """All words, in lower case."""
        return tuple(self.log_frequency)

    def __contains__(self, word: str) -> bool:
        return word in self.log_frequency

    def near(self, word: str) -> list[str]:
        """Words within a few edits, the nearest first.

        Args:
            word: In lower case.
        """
        # rapidfuzz loads here, so that settings can be read without it.
        from rapidfuzz import process
        from rapidfuzz.distance import Levenshtein

        edits = MAX_EDITS.get(len(word), MOST_EDITS if len(word) > max(MAX_EDITS) else 0)
        found = process.extract(word, self.words, scorer=Levenshtein.distance, score_cutoff=edits, limit=MAX_CANDIDATES)
        return [near for near, _, _ in found]


def from_words(words: Iterable[str]) -> Lexicon:
    """A list whose words are all alike likely.

    Example:
        >>> from_words(["Hotel", "Street"]).near("hotei")
        ['hotel']
    """
    kept = dict.fromkeys(word.lower() for word in words)
    return Lexicon(dict.fromkeys(kept, -math.log(max(1, len(kept)))))


class _EnglishFrequencies(Mapping[str, float]):
    """Those of :func:`english`, read when a word is first asked for: many runs meet nothing but sure readings."""

    @functools.cached_property
    def _counts(self) -> dict[str, int]:
        counts = _stored_counts()
        return {word: count for word, count in counts.items() if word.isascii() and word.isalpha()}

    @functools.cached_property
    def _total(self) -> int:
        return sum(self._counts.values())

    def __getitem__(self, word: str) -> float:
        return math.log(self._counts[word] / self._total)

    def __contains__(self, word: object) -> bool:
        return word in self._counts

    def __iter__(self) -> Iterator[str]:
        return iter(self._counts)

    def __len__(self) -> int:
        return len(self._counts)


def _stored_counts() -> Mapping[str, int]:
    """The package's words and how often each is met; its file alone, since its spell checker takes longer to start."""
    package = find_spec("spellchecker")
    assert package is not None
    file = Path(package.origin or "").parent / "resources" / "en.json.gz"
    if file.is_file():
        counts: dict[str, int] = json.loads(gzip.decompress(file.read_bytes()))
        return counts
    from spellchecker import SpellChecker

    found: Mapping[str, int] = SpellChecker(language="en").word_frequency.dictionary
    return found


@functools.cache
def english() -> Lexicon:
    """Some 130,000 English words with their frequencies in subtitles and prose.

    Source: the English list of the package ``pyspellchecker``.
    """
    return Lexicon(_EnglishFrequencies())


def open_lexicon(name: str) -> Lexicon | None:
    """The word list that a name or a file stands for.

    Args:
        name: ``english``, ``none``, or a text file with one word a line.

    Returns:
        The list; ``None`` for ``none``.

    Raises:
        ConfigError: If the name is unknown and no file of that name is there.
        DataError: If the file cannot be read, or holds no word.
    """
    if name == NONE:
        return None
    if name == ENGLISH:
        return english()
    path = Path(name)
    if not path.is_file():
        raise ConfigError(f"--lexicon: {name}: expected {ENGLISH}, {NONE}, or a text file with one word a line")
    words = [line.strip() for line in read_text(path).splitlines()]
    kept = [word for word in words if word and len(word) <= MAX_WORD]
    if not kept:
        raise DataError(f"{name}: no word in it; expected one a line")
    return from_words(kept)
