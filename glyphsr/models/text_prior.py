"""The text prior generator (TPG): a recognizer whose class probabilities on the LR picture guide the network."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from glyphsr.models.registry import PriorNetwork
from glyphsr.models.text_conditioning import condition_on_texts
from glyphsr.reading.word_readings import WordReading, line_text, read_words
from glyphsr.recognizers.protocols import CTCRecognizer
from glyphsr.text.lexicon import Lexicon
from glyphsr.types import Reading


@dataclass(frozen=True, eq=False)
class TextPrior:
    """What guides the network on a batch of pictures, and what was read for that."""

    guide: Tensor
    """``(B, K, 1, T)`` class probabilities, given the texts."""
    probabilities: Tensor
    """``(B, K, 1, T)``: as the prior reads them."""
    words: tuple[tuple[WordReading, ...], ...]
    """The words of each picture as the prior reads them, in reading order."""
    given: tuple[bool, ...]
    """Whether each picture's text was given rather than read."""

    @property
    def readings(self) -> list[Reading]:
        """What the prior reads in each picture; the confidence is the product over its words."""
        found = []
        for words in self.words:
            confidence = float(torch.tensor([word.confidence for word in words]).prod()) if words else 0.0
            raw = " ".join(word.raw for word in words)
            text = line_text(words)
            found.append(Reading(text, confidence, raw if raw != text else None))
        return found


class TextPriorGenerator(nn.Module):
    """The TPG.

    Args:
        recognizer: Gives the probabilities.
    """

    def __init__(self, recognizer: PriorNetwork) -> None:
        super().__init__()
        self.recognizer = recognizer
        self.num_classes = recognizer.num_classes

    def forward(self, lr: Tensor, texts: Sequence[str | None] = ()) -> Tensor:
        """``(B, 3, h, w)`` in [0, 1] -> text prior ``(B, K, 1, T)``, probabilities over the charset.

        Args:
            lr: The pictures.
            texts: As in :meth:`condition`.
        """
        probabilities: Tensor = self.recognizer.probabilities(lr)  # (B, K, T)
        return self.condition(probabilities, texts).unsqueeze(2)

    def condition(self, probabilities: Tensor, texts: Sequence[str | None]) -> Tensor:
        """The recognizer's probabilities, given what some pictures say; it then only says where.

        Args:
            probabilities: ``(B, K, T)``.
            texts: One per picture, ``None`` where it is not known; none at all changes nothing. Recognizers that do not
                read by CTC cannot be given any.

        Returns:
            ``(B, K, T)``; rows whose text has no known character, or does not fit into the picture, as they were.
        """
        recognizer = self.recognizer
        # Only lines with a text, and recognizers that align by CTC.
        rows = [row for row, text in enumerate(texts) if text]
        if not rows or not isinstance(recognizer, CTCRecognizer):
            return probabilities

        # One head of symbols, and one of columns where the recognizer has it.
        symbols, *columns = torch.split(probabilities[rows], recognizer.num_symbols, dim=1)
        known = [texts[row] or "" for row in rows]
        placed, fits = condition_on_texts(symbols, [recognizer.codec.encode(text) for text in known])
        heads = [placed]
        for head in columns:  # whose ink each step is on: a space has none
            inked, also = condition_on_texts(head, [recognizer.codec.encode("".join(text.split())) for text in known])
            heads.append(inked)
            fits = fits & also

        # Both heads must fit; else the line stays as it was read.
        conditioned = torch.where(fits[:, None, None], torch.cat(heads, dim=1), probabilities[rows])
        return probabilities.index_copy(0, torch.tensor(rows, device=probabilities.device), conditioned)

    def read(self, probabilities: Tensor, lexicon: Lexicon | None = None) -> tuple[tuple[WordReading, ...], ...]:
        """The words of each picture.

        Args:
            probabilities: ``(B, K, T)``.
            lexicon: As in :func:`~glyphsr.reading.word_readings.read_words`. It has no effect on recognizers that do
                not read by CTC, whose text is one word here.
        """
        recognizer = self.recognizer
        if isinstance(recognizer, CTCRecognizer):
            rows = probabilities[:, : recognizer.num_symbols].detach().float().cpu().numpy()
            return tuple(tuple(read_words(row, recognizer.codec, lexicon)) for row in rows)
        # Other recognizers have no steps along the line: their text is one word over all of it.
        steps = probabilities.shape[2]
        return tuple(
            (WordReading(reading.text, 0, steps, reading.confidence, reading.text),) if reading.text else ()
            for reading in recognizer.decode(probabilities)
        )
