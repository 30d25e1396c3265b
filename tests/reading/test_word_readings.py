"""Words of a line: where they lie, how sure they are, and what a word list makes of them."""

import math

import numpy as np
import pytest

from glyphsr.reading.word_readings import line_text, read_words
from glyphsr.text.charset import PRINTABLE_95
from glyphsr.text.ctc import CTCCodec
from glyphsr.text.lexicon import from_words

CODEC = CTCCodec(PRINTABLE_95)


def seen(*steps: dict[str, float]) -> np.ndarray:
    """``(S, T)``: at each step the probability of some characters, the rest is blank's."""
    found = np.zeros((CODEC.num_classes, len(steps)))
    for t, step in enumerate(steps):
        for char, probability in step.items():
            found[CODEC.encode(char)[0], t] = probability
        found[0, t] = 1 - found[:, t].sum()
    return found


def spelled(text: str, sure: float = 0.999) -> np.ndarray:
    return seen(*({char: sure} for char in text))


def test_spaces_part_words_and_each_has_its_steps():
    words = read_words(spelled("ab cd"), CODEC)
    assert [(word.text, word.start, word.stop) for word in words] == [("ab", 0, 2), ("cd", 3, 5)]
    assert line_text(words) == "ab cd"
    assert read_words(seen({}, {}), CODEC) == []


def test_confidence_sums_over_paths_and_cases():
    word = read_words(seen({"a": 0.6}, {"a": 0.25, "A": 0.35}), CODEC)[0]
    # "a" by either step or both: all paths but the one of two blanks.
    assert word.confidence == pytest.approx(1 - 0.4 * 0.4, abs=1e-4)
    assert word.text == "a"  # 0.85 against 0.35


def test_a_word_of_the_list_replaces_a_near_misreading_in_its_case():
    lexicon = from_words(["hotel", "motel"])
    picture = np.concatenate([spelled("HO"), seen({"I": 0.6, "T": 0.35}), spelled("EL")], axis=1)
    word = read_words(picture, CODEC, lexicon)[0]
    assert (word.raw, word.text) == ("HOIEL", "HOTEL")
    assert 0.5 < word.confidence < 1  # its share beside what was read
    assert read_words(picture, CODEC)[0].text == "HOIEL"


def test_what_the_picture_speaks_against_stays():
    assert read_words(spelled("hoxel", 0.97), CODEC, from_words(["hotel"]))[0].text == "hoxel"


@pytest.mark.parametrize("text", ["127.16", "AX-7312", "$40.27", "h0tel", "ab"])
def test_numbers_codes_and_mixed_text_are_never_looked_up(text):
    picture = spelled(text, 0.6)
    lexicon = from_words(["hotel", "abc", "ax"])
    assert read_words(picture, CODEC, lexicon)[0].text == read_words(picture, CODEC)[0].text == text


def test_marks_around_a_word_are_kept():
    picture = np.concatenate([spelled('"Hero'), seen({"c": 0.6, "e": 0.35}), spelled("s,")], axis=1)
    assert read_words(picture, CODEC, from_words(["heroes"]))[0].text == '"Heroes,'


def test_the_commoner_word_wins_where_the_picture_is_undecided():
    from glyphsr.text.lexicon import Lexicon

    lexicon = Lexicon({"hotel": math.log(1e-4), "hovel": math.log(1e-8)})
    picture = np.concatenate([spelled("ho"), seen({"x": 0.4, "t": 0.25, "v": 0.26}), spelled("el")], axis=1)
    assert read_words(picture, CODEC, lexicon)[0].text == "hotel"
