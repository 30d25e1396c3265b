"""Texts as rows of classes that end with an end-of-text class."""

from collections.abc import Sequence
from dataclasses import dataclass

from glyphsr.text.charset import filter_to

IGNORED = -1
"""Fills a row after the end of its text."""


@dataclass(frozen=True)
class EndedCodec:
    """Text to classes and back where one class ends the text; MORAN's, ASTER's and the Telescope recognizer's way."""

    charset: str
    end: int
    """Class that ends a text."""
    first: int = 0
    """Class of the charset's first symbol."""

    def encode(self, text: str) -> list[int]:
        """Classes of the characters that the charset knows (other case folded in), and the end."""
        return [self.charset.index(c) + self.first for c in filter_to(text, self.charset)] + [self.end]

    def encode_rows(self, texts: Sequence[str], steps: int | None = None) -> list[list[int]]:
        """Rows of equal length, filled up with :data:`IGNORED`.

        Args:
            texts: At least one.
            steps: Least length of the rows.

        Raises:
            ValueError: If there are no texts.
        """
        if not texts:
            raise ValueError("expected at least one text")
        rows = [self.encode(text) for text in texts]
        length = max(steps or 0, *(len(row) for row in rows))
        return [row + [IGNORED] * (length - len(row)) for row in rows]

    def decode(self, classes: Sequence[int]) -> str:
        """Text up to the first end; classes outside the charset are skipped.

        Example:
            >>> EndedCodec("abc", end=3).decode([2, 0, 3, 1])
            'ca'
        """
        text: list[str] = []
        for index in classes:
            if index == self.end:
                break
            if self.first <= index < self.first + len(self.charset):
                text.append(self.charset[index - self.first])
        return "".join(text)


def length_with_end(classes: Sequence[int], end: int) -> int:
    """Steps up to and including the first ``end``; all of them where there is none.

    Example:
        >>> length_with_end([4, 7, 0, 3], end=0)
        3
    """
    return list(classes).index(end) + 1 if end in classes else len(classes)
