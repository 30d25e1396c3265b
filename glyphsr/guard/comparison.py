"""Whether a line reads the same before and after, or worse."""

from glyphsr.metrics.edit import edit_similarity
from glyphsr.text.charset import comparable
from glyphsr.types import Reading

SURE = 0.85
"""Confidence from which a reading before is taken for what the picture says."""


def key_of(text: str) -> str:
    """What of a text has to stay: letters and digits without case; in texts with digits every mark, too.

    Example:
        >>> key_of("Grass Roots!"), key_of("$ 40.07"), key_of("AX-7322")
        ('grassroots', '$40.07', 'ax-7322')
    """
    if any(char.isdigit() for char in text):
        return "".join(text.split()).casefold()
    return comparable(text)


def has_digits(*texts: str | None) -> bool:
    """Whether one of some texts has a digit."""
    return any(char.isdigit() for text in texts if text for char in text)


def compare(before: Reading, after: Reading, *, prior_text: str | None = None, given: str | None = None) -> str | None:
    """Why a result should not be used; ``None`` where it may.

    What was read surely before has to be read after. What was not read surely may become what was to be drawn, where
    the reader is surer of that. A given text has to be read, or at least be nearer than before.

    Args:
        before: Of bicubic.
        after: Of the result, by the same reader.
        prior_text: What the network was to draw.
        given: What the picture says, where that is known.

    Example:
        >>> compare(Reading("117.16", 0.98), Reading("127 16", 0.99))
        "reads '127 16' (0.99) instead of '117.16' (0.98)"
        >>> compare(Reading("C0MlNC", 0.41), Reading("COMING", 0.97), prior_text="COMING") is None
        True
    """
    was, now = key_of(before.text), key_of(after.text)
    # A text that was given is what the picture should say, whatever was read before.
    if given is not None and key_of(given):
        return _compare_with_given(before, after, given)

    if was == now:
        return None

    said = f"reads {after.text!r} ({after.confidence:.2f})"
    instead = f"instead of {before.text!r} ({before.confidence:.2f})"
    # What was read surely has to stay.
    if was and before.confidence >= SURE:
        return f"{said} {instead}"
    # Else the picture may come to say what was drawn, if that is read more surely than before.
    if prior_text is None or now != key_of(prior_text):
        return f"{said} {instead}, not {prior_text!r}, which was drawn" if prior_text else f"{said} {instead}"
    return None if after.confidence > before.confidence else f"{said} {instead}"


def _compare_with_given(before: Reading, after: Reading, given: str) -> str | None:
    wanted, was, now = key_of(given), key_of(before.text), key_of(after.text)
    if now == wanted or edit_similarity(now, wanted) > edit_similarity(was, wanted):
        return None
    return f"reads {after.text!r} ({after.confidence:.2f}), not the given {given!r}"
