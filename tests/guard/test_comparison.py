"""What counts as the same reading, and which changes are taken back."""

import pytest

from glyphsr.guard.comparison import compare, has_digits, key_of
from glyphsr.types import Reading


@pytest.mark.parametrize(
    ("one", "other"),
    [("Hotel", "HOTEL!"), ("Grass Roots", "grassroots"), ("$ 40.07", "$40.07"), ("AX-7322", "ax-7322")],
)
def test_case_spaces_and_marks_of_words_are_no_change(one, other):
    assert key_of(one) == key_of(other)
    assert compare(Reading(one, 0.99), Reading(other, 0.5)) is None


@pytest.mark.parametrize(
    ("before", "after"),
    [("117.16", "127 16"), ("2.85", "285"), ("AX-7322", "AX7322"), ("$40.07", "40.07"), ("12:30", "12.30"), ("47", "")],
)
@pytest.mark.parametrize("confidence", [0.85, 0.99])
def test_marks_and_digits_of_numbers_have_to_stay(before, after, confidence):
    reason = compare(Reading(before, confidence), Reading(after, 0.999), prior_text=after)
    assert reason is not None
    assert repr(before) in reason


def test_a_word_read_surely_has_to_stay_whoever_reads_the_drawing():
    assert compare(Reading("COMING", 0.95), Reading("COMINO", 0.99), prior_text="COMINO") is not None
    assert compare(Reading("COMING", 0.95), Reading("", 0.0), prior_text="COMING") is not None


def test_a_word_read_unsurely_may_become_what_was_drawn():
    assert compare(Reading("C0MINC", 0.4), Reading("COMING", 0.97), prior_text="COMING") is None
    assert compare(Reading("COMINC", 0.4), Reading("COMINO", 0.97), prior_text="COMING") is not None  # read otherwise
    assert (
        compare(Reading("COMINC", 0.6), Reading("COMING", 0.5), prior_text="COMING") is not None
    )  # less sure than before
    assert compare(Reading("", 0.0), Reading("COMING", 0.2), prior_text="COMING") is None


def test_a_given_text_has_to_be_read_or_come_nearer():
    assert compare(Reading("H0TFL", 0.9), Reading("HOTEL", 0.9), given="HOTEL") is None
    assert compare(Reading("xxxxx", 0.9), Reading("HOTFL", 0.9), given="HOTEL") is None
    assert compare(Reading("HOTEL", 0.9), Reading("MOTEL", 0.9), given="HOTEL") is not None


def test_digits_are_found_in_any_text():
    assert has_digits(None, "a", "b2")
    assert not has_digits(None, "", "ab")
