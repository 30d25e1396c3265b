"""Word lists with frequencies: which words a reading may have been meant to be."""

import functools
import gzip
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from glyphsr.errors import ConfigError, DataError
from glyphsr.safe_reading.text_files import read_text

ENGLISH = "english"
"""Name of the English word list of the package ``wordfreq``."""

NONE = "none"

STEP = math.log(10) / 100
"""A step of the frequencies that ``wordfreq`` stores, as a natural logarithm."""

LEAST_FREQUENCY = 700
"""Steps to the frequency of 1e-7 that a word needs; rarer ones are mostly misspelled, and take as long to compare."""

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
    def _logarithms(self) -> dict[str, float]:
        return {
            word: -step * STEP
            for step, words in enumerate(_stored_words())
            for word in words
            if word.isascii() and word.isalpha()
        }

    def __getitem__(self, word: str) -> float:
        return self._logarithms[word]

    def __contains__(self, word: object) -> bool:
        return word in self._logarithms

    def __iter__(self) -> Iterator[str]:
        return iter(self._logarithms)

    def __len__(self) -> int:
        return len(self._logarithms)


def _stored_words() -> list[list[str]]:
    """The package's words, the most frequent first, those of each hundredth of a power of ten together.

    Its file is read by itself, since the package takes longer to start than the rest of a run.
    """
    import msgpack

    # Its own reader splits texts and needs more packages; the list alone is a list of lists.
    package = find_spec("wordfreq")
    assert package is not None
    file = Path(package.origin or "").parent / "data" / "large_en.msgpack.gz"
    words: list[list[str]] = msgpack.unpackb(gzip.decompress(file.read_bytes()))[1:]  # a header stands first
    return words[: LEAST_FREQUENCY + 1]


@functools.cache
def english() -> Lexicon:
    """Some 90,000 English words and names with their frequencies in books, news, subtitles and the web.

    Source: Speer 2022, package ``wordfreq``, its large English list.
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
