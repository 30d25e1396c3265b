"""Which characters of a reading are right."""

from typing import NamedTuple

from rapidfuzz.distance import Levenshtein

from glyphsr.text.charset import filter_lower


class Mark(NamedTuple):
    """A stretch of a reading."""

    text: str
    right: bool | None
    """``None`` for what is not compared: punctuation, spaces, other scripts, or all of it where there is no label."""


def marked(reading: str, label: str | None) -> list[Mark]:
    """A reading in stretches of right and wrong characters, by the fewest edits to the label.

    Letters and digits are compared in lower case, as accuracy does. A character that is missing from the reading shows
    as ``·``, wrong.

    Example:
        >>> marked("COMINO", "coming")
        [Mark(text='COMIN', right=True), Mark(text='O', right=False)]
        >>> [(mark.text, mark.right) for mark in marked("op-n", "open")]
        [('op', True), ('-', None), ('·', False), ('n', True)]
    """
    if label is None:
        return [Mark(reading, None)] if reading else []
    # Only letters and digits are compared; everything between is shown without a judgement.
    places = [i for i, char in enumerate(reading) if filter_lower(char)]
    compared = "".join(filter_lower(reading[i]) for i in places)
    pieces: list[Mark] = []
    done = 0

    def until(end: int) -> None:
        nonlocal done
        if end > done:
            pieces.append(Mark(reading[done:end], None))
            done = end

    # What the reading lacks is shown as dots in its place.
    for step in Levenshtein.opcodes(compared, filter_lower(label)):
        if step.tag == "insert":
            if step.src_start < len(places):
                until(places[step.src_start])
            pieces.append(Mark("·" * (step.dest_end - step.dest_start), right=False))
            continue
        for i in places[step.src_start : step.src_end]:
            until(i)
            pieces.append(Mark(reading[i], step.tag == "equal"))
            done = i + 1

    until(len(reading))
    # Neighbours of one kind become one stretch.
    joined: list[Mark] = []
    for piece in pieces:
        if joined and joined[-1].right == piece.right:
            joined[-1] = Mark(joined[-1].text + piece.text, piece.right)
        else:
            joined.append(piece)
    return joined
