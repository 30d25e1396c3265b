"""A word in the character slots of the Glyph Perception Module: one class per slot, then the end."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from glyphsr.text.charset import LOWER_ALPHANUMERIC, filter_lower
from glyphsr.text.endings import IGNORED

ClassOrder = Literal["characters_first", "end_first"]


@dataclass(frozen=True)
class CharacterSlots:
    """A slot for every character that is no space: what columns are taught by.

    Args:
        num_slots: Slots L; what does not fit has none.
    """

    num_slots: int

    def places(self, text: str) -> list[int]:
        """Which of a text's characters, spaces left out, have a slot."""
        return list(range(len("".join(text.split()))))[: self.num_slots]


@dataclass(frozen=True)
class SlotCodec:
    """Text to the classes of slots and back.

    Labels are filtered to 0-9a-z and cut to what fits beside the end, as TextZoom's collation cuts to 15 characters;
    slots after the end teach nothing.

    Args:
        num_slots: Slots L, the end's included.
        order: Where the end's class stands; see :class:`glyphsr.config.networks.GPMConfig`.
        end_slot: Keep the last slot for the end; else a text of ``num_slots`` characters fits, without its end.
    """

    num_slots: int = 16
    order: ClassOrder = "characters_first"
    end_slot: bool = True

    @property
    def first(self) -> int:
        """Class of ``0``, the first character."""
        return 0 if self.order == "characters_first" else 1

    @property
    def end(self) -> int:
        """Class of the slot after the last character."""
        return len(LOWER_ALPHANUMERIC) if self.order == "characters_first" else 0

    @property
    def max_length(self) -> int:
        """Characters of the longest text."""
        return self.num_slots - self.end_slot

    def places(self, text: str) -> list[int]:
        """Which of a text's characters, spaces left out, have a slot."""
        return [i for i, char in enumerate("".join(text.split())) if filter_lower(char)][: self.max_length]

    def encode(self, text: str) -> list[int]:
        """One class per slot; :data:`glyphsr.text.endings.IGNORED` after the end.

        Example:
            >>> SlotCodec(num_slots=4).encode("A1")
            [10, 1, 36, -1]
        """
        known = filter_lower(text)[: self.max_length]
        classes = [LOWER_ALPHANUMERIC.index(char) + self.first for char in known]
        classes += [self.end] if len(classes) < self.num_slots else []
        return classes + [IGNORED] * (self.num_slots - len(classes))

    def decode(self, classes: Sequence[int]) -> str:
        """Text up to the first end; classes that are no characters are skipped.

        Example:
            >>> SlotCodec(order="end_first").decode([11, 2, 0, 5])
            'a1'
        """
        text: list[str] = []
        for index in classes:
            if index == self.end:
                break
            if self.first <= index < self.first + len(LOWER_ALPHANUMERIC):
                text.append(LOWER_ALPHANUMERIC[index - self.first])
        return "".join(text)
