"""Why a result cannot be trusted, by what is read in it and in what it was made of."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from glyphsr.guard.dictionary import is_out_of_dictionary
from glyphsr.guard.ensemble import MAJORITY, MEMBERS, count_agreeing
from glyphsr.guard.homoglyphs import fold_homoglyphs
from glyphsr.guard.numerals import has_digits, marked_numbers
from glyphsr.metrics.edit import edit_similarity
from glyphsr.text.charset import comparable
from glyphsr.types import Reading

DROP = 0.5
"""Loss of confidence in an unchanged reading from which a line is suspicious. On IIIT5K-LR's training words 0.3 took
back more gain and not one spoilt word more."""


class Issue(NamedTuple):
    """Why a result cannot be trusted."""

    reason: str
    is_worse: bool
    """Whether the result is better taken back: it reads worse than what it was made of, or not as it was drawn; else it
    is as wrong as that was."""


def check_reading(
    before: Reading,
    after: Reading,
    text: str | None = None,
    *,
    prior_text: str | None = None,
    has_votes: bool = False,
    drop: float = DROP,
) -> Issue | None:
    """Why a result cannot be trusted; ``None`` where it can.

    A reading that changed is trusted only if it is what was to be drawn, and the reader is surer of it: a word that
    became readable is read with more confidence than the blur it was, a word that was spoilt with less. Where nothing
    could be read before and now what was drawn can, it need not be sure, unless others can say whether that is right.

    Args:
        before: Of bicubic.
        after: Of the result.
        text: What it says, where that is known.
        prior_text: What the network was told to draw by its prior, where that is one reading of the whole line.
        has_votes: Whether the voters are asked about the result.
        drop: Loss of confidence from which an unchanged reading is suspicious.

    Example:
        >>> check_reading(Reading("COMING", 0.98), Reading("COMINO", 0.91))
        Doubt(reason="reads 'COMINO' (0.91) instead of 'COMING' (0.98)", is_worse=True)
        >>> check_reading(Reading("C0MlNC", 0.41), Reading("COMING", 0.97)) is None
        True
    """
    was, now, truth = comparable(before.text), comparable(after.text), comparable(text or "")
    said = _reads(after)
    if truth:
        if now == truth:
            return None
        return Issue(f"{said}, not the given {text!r}", edit_similarity(now, truth) < edit_similarity(was, truth))
    if was != now:
        if prior_text is not None and now != comparable(prior_text):
            return Issue(f"{said}, neither {before.text!r} as before nor {prior_text!r} as drawn", is_worse=True)
        if after.confidence > before.confidence or (prior_text is not None and not was and not has_votes):
            return None
        return Issue(f"{said} instead of {before.text!r} ({before.confidence:.2f})", is_worse=True)
    if before.confidence - after.confidence > drop:
        less = f"{after.confidence:.2f} instead of {before.confidence:.2f}"
        return Issue(f"reads {after.text!r} with less confidence, {less}", is_worse=True)
    return None


def apply_votes(found: Issue | None, after: Reading, votes: int, prior_text: str) -> Issue | None:
    """What remains of the reader's doubt of a word once the voters have read the result.

    All of them dispel it, unless no such word is known: of held-out words that are drawn wrongly half are no words, of
    those drawn rightly a tenth. Fewer than the majority raise one.

    Args:
        found: The reader's own.
        after: What it reads in the result.
        votes: How many read what was drawn.
        prior_text: That text.
    """
    if votes == len(MEMBERS):
        return found if is_out_of_dictionary(prior_text) else None
    if found is None and votes < MAJORITY:
        return Issue(
            f"{_reads(after)}, and {votes} of {len(MEMBERS)} judges {prior_text!r}, which was drawn", is_worse=True
        )
    return found


def apply_votes_to_weak_reader(
    found: Issue | None, before: Reading, after: Reading, judged: Sequence[str], prior_text: str
) -> Issue | None:
    """What remains of the doubt of a reader of ours, which is weaker than an OCR engine and knows no spaces.

    What was drawn may be a phrase, of which the judges read the letters as best they can. So all of them dispel the
    doubt, of what is no word too, and one does where the reader itself came nearer to what was drawn. That they do not
    read it raises none; that a majority reads the same other text does, unless its characters only look alike.

    Args:
        found: The reader's own.
        before: What it reads in bicubic.
        after: What it reads in the result.
        judged: What the voters read in the result, letters and digits without case.
        prior_text: What was to be drawn.

    Example:
        >>> before, after = Reading("GOMNG", 0.4), Reading("COMIN", 0.5)
        >>> apply_votes_to_weak_reader(Issue("", True), before, after, ["coming", "comino", "comin"], "COMING") is None
        True
    """
    wanted = comparable(prior_text)
    votes = count_agreeing(prior_text, judged)
    if votes == len(MEMBERS):
        return None
    came_nearer = edit_similarity(comparable(after.text), wanted) > edit_similarity(comparable(before.text), wanted)
    if found is not None and not (votes and came_nearer):
        return found
    text, count = Counter(judged).most_common(1)[0]
    if text and count >= MAJORITY and fold_homoglyphs(text) != fold_homoglyphs(prior_text):
        others = f"{count} of {len(MEMBERS)} judges {text!r}"
        return Issue(f"{_reads(after)}, and {others}, where {prior_text!r} was drawn", is_worse=True)
    return None


def check_number_marks(before: Reading, after: Reading, text: str | None = None) -> Issue | None:
    """The doubt that a number has lost its mark, or has another; networks whose prior knows no marks wipe them out.

    Its digits are still there, so that neither the letters and digits nor the voters tell. Surer readings do not dispel
    it: the wrong number is as sharp as the right one was blurred. Numbers with other digits are
    left to :func:`check_reading`.

    Args:
        before: Of bicubic.
        after: Of the result.
        text: What it says, where that is known; then only its numbers count.

    Example:
        >>> check_number_marks(Reading("2.85", 0.9), Reading("285", 1.0))
        Doubt(reason="reads '285' (1.00), and the number '2.85' (0.90) before", is_worse=True)
    """
    gone = Counter(marked_numbers(before.text)) - Counter(marked_numbers(after.text))
    wanted = marked_numbers(text) if text else gone
    lost = [number for number in gone if number in wanted and has_digits(after.text, number)]
    if not lost:
        return None
    number = f"the number {lost[0]!r} ({before.confidence:.2f}) before"
    return Issue(f"{_reads(after)}, and {number}", is_worse=True)


def _reads(reading: Reading) -> str:
    return f"reads {reading.text!r} ({reading.confidence:.2f})"
