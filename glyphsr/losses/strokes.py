"""Tables of the strokes that make up each character, for the text-focus loss of Text Gestalt and PEAN."""

from pathlib import Path

from glyphsr.errors import DataError
from glyphsr.safe_reading.text_files import read_text, shorten
from glyphsr.text.charset import STROKES


def load_strokes(path: Path) -> dict[str, str]:
    """Character -> its strokes, digits from 1 to 9.

    Args:
        path: Text, one character and its strokes a line, such as the published ``english_decomposition.txt``. A line
            whose strokes are 0, the end of a text, says nothing.

    Raises:
        DataError: If it cannot be read, a line has another form, or no character is in it.
    """
    table: dict[str, str] = {}
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        parts = line.split()

        if not parts:
            continue
        if len(parts) != 2 or len(parts[0]) != 1 or not set(parts[1]) <= {*STROKES, "0"}:
            raise DataError(f"{path}: line {number}: expected a character and its strokes 1 to 9, got {shorten(line)}")
        if parts[1] != "0":  # a character without strokes
            table[parts[0]] = parts[1]

    if not table:
        raise DataError(f"{path}: no character in it; expected lines of a character and its strokes, such as 'A 341'")
    return table
