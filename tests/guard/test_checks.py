"""Why a result cannot be trusted, by what is read before and after, and what several readers read before."""

import pytest

from glyphsr.guard.checks import Issue, apply_votes, apply_votes_to_weak_reader, check_number_marks, check_reading
from glyphsr.types import Reading


@pytest.mark.parametrize(
    ("before", "after", "text", "reason", "worse"),
    [
        (("Welcome", 0.98), ("welcome", 0.97), None, None, None),
        (("Welcome", 0.98), ("Welcomo", 0.9), None, "reads 'Welcomo' (0.90) instead of 'Welcome' (0.98)", True),
        (("Wclcomo", 0.4), ("Welcome", 0.9), None, None, None),
        (("Welcome", 0.9), ("Welcome", 0.3), None, "with less confidence, 0.30 instead of 0.90", True),
        (("Welcome", 0.9), ("Welcome", 0.5), None, None, None),
        (("", 0.0), ("Welcome", 0.5), None, None, None),
        (("Welcome", 0.9), ("", 0.0), None, "reads '' (0.00) instead of", True),
        (("北京", 0.9), ("東京", 0.8), None, "instead of '北京'", True),
        (("Café", 0.9), ("Cafe", 0.9), None, None, None),
        (("Welcome", 0.9), ("Welcomo", 0.99), "Welcome", "not the given 'Welcome'", True),
        (("", 0.0), ("Welcom", 0.9), "Welcome", "not the given 'Welcome'", False),  # wrong, but better than it was
        (("Wclcomo", 0.9), ("WELCOME!", 0.2), "Welcome", None, None),
        (("Cafe", 0.9), ("Cafe", 0.9), "Café", None, None),
        (("Welcome", 0.98), ("Welcome", 0.97), "###", None, None),  # a text that says nothing
    ],
)
def test_what_is_in_doubt(before, after, text, reason, worse):
    found = check_reading(Reading(*before), Reading(*after), text)
    assert (found is None) == (reason is None)
    if found is not None:
        assert reason in found.reason
        assert found.is_worse == worse


def test_a_new_reading_has_to_be_what_was_drawn():
    before, after = Reading("C0MNG", 0.4), Reading("COMINC", 0.9)
    assert check_reading(before, after) is None
    assert check_reading(before, after, prior_text="cominc") is None
    found = check_reading(before, after, prior_text="COMING")
    assert found.reason == "reads 'COMINC' (0.90), neither 'C0MNG' as before nor 'COMING' as drawn"
    assert found.is_worse
    assert check_reading(before, before, prior_text="COMING") is None


def test_what_could_not_be_read_before_may_be_read_unsurely():
    nothing, after = Reading("", 0.0), Reading("~ COMING", 0.0)
    assert check_reading(nothing, after, prior_text="coming") is None
    assert check_reading(nothing, after, prior_text="coming", has_votes=True).is_worse
    assert check_reading(nothing, after).is_worse  # nobody knows whether that is what was drawn
    assert check_reading(nothing, after, prior_text="COMINC").is_worse


@pytest.mark.parametrize(
    ("before", "after", "is_doubted"),
    [
        ("2.85", "285", True),
        ("2.85", "2,85", True),
        ("2.00 2.00", "2.00 200", True),
        ("2.35", "2.85", False),  # another digit is not for this to tell
        ("1/1", "M", False),
        ("TOTAL 16.59", "TOTAL 16.59", False),
        ("702-596-9197", "702-596.9197", True),
        ("285", "2.85", False),  # a mark that became readable
        ("Dr. No", "Dr No", False),
        ("12. 30", "12 30", False),
        ("3 2.85", "3 285", True),
        ("2:30", "12:30", False),
        ("1.19", "1.190", False),
        ("9:30", "9\uff1a30", False),  # of full width
        ("9\uff1a30", "930", True),
        ("12\u201313", "12-13", False),
    ],
)
def test_a_number_keeps_its_marks(before, after, is_doubted):
    found = check_number_marks(Reading(before, 0.9), Reading(after, 1.0))
    assert (found is not None) == is_doubted


def test_a_given_number_is_the_one_that_counts():
    before, after = Reading("12,50", 0.9), Reading("12.50", 0.9)
    assert check_number_marks(before, after) is not None
    assert check_number_marks(before, after, "12.50") is None
    assert check_number_marks(before, after, "12,50") is not None
    assert check_number_marks(Reading("2.85", 0.9), Reading("285", 0.9), "285") is None


def test_voters_dispel_and_raise_doubt():
    own = Issue("reads worse", is_worse=True)
    after = Reading("STOF", 0.9)
    assert [apply_votes(own, after, votes, "STOP") for votes in range(4)] == [own, own, own, None]
    raised = [apply_votes(None, after, votes, "STOP") for votes in range(4)]
    assert [found is not None and found.is_worse for found in raised] == [True, True, False, False]
    assert raised[1].reason == "reads 'STOF' (0.90), and 1 of 3 judges 'STOP', which was drawn"


def test_doubt_about_what_is_no_word_is_not_dispelled():
    own = Issue("reads worse", is_worse=True)
    after = Reading("ONUNE", 0.9)
    assert apply_votes(own, after, 3, "ONUNE") is own
    assert apply_votes(own, after, 3, "ONLINE") is None
    assert apply_votes(None, after, 3, "ONUNE") is None


OWN = Issue("reads worse", is_worse=True)


@pytest.mark.parametrize(
    ("found", "after", "judged", "what_remains"),
    [
        (OWN, "STOF", ("stop", "stop", "stop"), None),
        (OWN, "STOF", ("stop", "shop", "ship"), None),  # nearer than it was, and one judge reads it
        (OWN, "STOF", ("step", "shop", "ship"), OWN.reason),
        (OWN, "EXIT", ("stop", "stop", "ship"), OWN.reason),  # no nearer
        (
            OWN,
            "STOF",
            ("stop", "shop", "shop"),
            "reads 'STOF' (0.90), and 2 of 3 judges 'shop', where 'STOP' was drawn",
        ),
        (
            None,
            "STOP",
            ("shop", "shop", "shop"),
            "reads 'STOP' (0.90), and 3 of 3 judges 'shop', where 'STOP' was drawn",
        ),
        (
            None,
            "STOP",
            ("stop", "shop", "shop"),
            "reads 'STOP' (0.90), and 2 of 3 judges 'shop', where 'STOP' was drawn",
        ),
        (None, "STOP", ("shop", "ship", "step"), None),  # as they read phrases
        (None, "STOP", ("", "", ""), None),
        (None, "STOP", ("5t0p", "5t0p", "step"), None),  # which look alike
        (None, "STOP", ("stop", "stop", "ship"), None),
    ],
)
def test_voters_beside_a_reader_of_ours(found, after, judged, what_remains):
    remains = apply_votes_to_weak_reader(found, Reading("SHQF", 0.9), Reading(after, 0.9), judged, "STOP")
    assert (remains and remains.reason) == what_remains
    assert remains is None or remains.is_worse
