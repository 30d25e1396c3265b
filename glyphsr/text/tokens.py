"""PARSeq's tokens: end of text, characters, start of text, padding."""

from collections.abc import Sequence
from dataclasses import dataclass

from glyphsr.text.charset import keep

EOS = 0
"""Token that ends a text; also the class with index 0 of the recognizer's head."""


@dataclass(frozen=True)
class AttentionCodec:
    """Text to tokens and back in PARSeq's layout: EOS 0, characters from 1, then BOS, then PAD.

    Source: ``baudm/parseq: strhub/data/utils.py`` (facts only).
    """

    charset: str

    @property
    def bos(self) -> int:
        """Token that starts a text; not a class of the head."""
        return len(self.charset) + 1

    @property
    def pad(self) -> int:
        """Token that fills the rest of a row; not a class of the head."""
        return len(self.charset) + 2

    @property
    def num_tokens(self) -> int:
        """Rows of the embedding table."""
        return len(self.charset) + 3

    @property
    def num_classes(self) -> int:
        """Classes of the head: EOS and the characters."""
        return len(self.charset) + 1

    def encode_rows(self, texts: Sequence[str]) -> list[list[int]]:
        """Rows of BOS, characters, EOS, filled up with PAD to equal length; characters it does not know are left out.

        Example:
            >>> AttentionCodec("abc").encode_rows(["ca", "b!"])
            [[4, 3, 1, 0], [4, 2, 0, 5]]
        """
        rows = [[self.bos, *(self.charset.index(c) + 1 for c in keep(text, self.charset)), EOS] for text in texts]
        length = max((len(row) for row in rows), default=0)
        return [row + [self.pad] * (length - len(row)) for row in rows]

    def decode(self, ids: Sequence[int]) -> str:
        """Text up to the first EOS; BOS and PAD are skipped.

        Example:
            >>> AttentionCodec("abc").decode([3, 1, 2, 0, 2])
            'cab'
        """
        text: list[str] = []
        for index in ids:
            if index == EOS:
                break
            if index <= len(self.charset):
                text.append(self.charset[index - 1])
        return "".join(text)
