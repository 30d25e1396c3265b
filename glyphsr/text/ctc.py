"""Connectionist temporal classification: texts to class indices and best paths back to texts."""

from collections.abc import Sequence
from dataclasses import dataclass

from glyphsr.text.charset import filter_to

BLANK = 0
"""Class index of the blank; character i of the charset is class i + 1."""


@dataclass(frozen=True)
class CTCCodec:
    """Text to CTC classes and back over a charset whose classes start at 1 (0 is blank)."""

    charset: str

    @property
    def num_classes(self) -> int:
        """Classes of the network's last layer, the blank included."""
        return len(self.charset) + 1

    @property
    def lower_case(self) -> tuple[int, ...]:
        """For each class that of its character's lower case, where the charset has one."""
        found = [self.charset.find(char.lower()) + 1 for char in self.charset]
        return (BLANK, *(index or own + 1 for own, index in enumerate(found)))

    def encode(self, text: str) -> list[int]:
        """Class indices of the characters of ``text`` that the charset knows (other case folded in)."""
        return [self.charset.index(c) + 1 for c in filter_to(text, self.charset)]

    def decode(self, path: Sequence[int]) -> str:
        """Text of a best path: repeats merged, then blanks dropped.

        Args:
            path: One class index per recognizer step.

        Raises:
            ValueError: If an index is outside ``0..len(charset)``.

        Example:
            >>> CTCCodec("ab").decode([1, 1, 0, 1, 2])
            'aab'
        """
        text: list[str] = []
        previous = BLANK
        for index in path:
            if not 0 <= index <= len(self.charset):
                raise ValueError(f"expected a class index in 0..{len(self.charset)}, got {index}")
            # A repeat after a blank is a new character.
            if index not in (BLANK, previous):
                text.append(self.charset[index - 1])
            previous = index
        return "".join(text)
