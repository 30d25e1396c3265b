"""Attention of recognizers on words whose text is known; its peaks locate the characters."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from glyphsr.errors import ConfigError
from glyphsr.glyphs.attention import merge_heads
from glyphsr.glyphs.word import Word
from glyphsr.models.registry import RecognizerNetwork
from glyphsr.recognizers.ctc_alignment import align
from glyphsr.recognizers.protocols import AttentionRecognizer, CTCRecognizer
from glyphsr.text.charset import filter_to

UNKNOWN = "outside_alphabet"
"""Reason given for characters that are not in the recognizer's alphabet."""

TOO_LONG = "too_long_for_recognizer"
MAX_BATCH = 32

Maps = list[NDArray[np.float32] | str]


@dataclass(eq=False)
class RecognizerAttention:
    """Attention of a recognizer that is given the true text; for CRNN the alignment of its steps.

    Args:
        network: In eval mode.
        heads: ``mean`` or ``max`` over attention heads.
        device: Where to compute.
    """

    network: RecognizerNetwork
    heads: str
    device: torch.device

    def __post_init__(self) -> None:
        if not isinstance(self.network, AttentionRecognizer):
            raise ConfigError(f"--recognizer: {self.network.config.kind} cannot show where it looks")
        self.network.to(self.device).eval()

    @torch.inference_mode()
    def attend(self, words: Sequence[Word]) -> list[Maps]:
        """As :meth:`glyphsr.glyphs.attention.AttentionSource.attend`."""
        # Sort out what the recognizer cannot say; the others wait by their prepared size.
        results: list[Maps] = [[] for _ in words]
        prepared: dict[torch.Size, list[tuple[int, torch.Tensor]]] = {}
        for i, word in enumerate(words):
            known = filter_to(word.text, self.network.charset)
            limit = self.network.max_length
            if not known or (limit is not None and len(known) > limit):
                results[i] = [TOO_LONG if known else UNKNOWN] * len(word.text)
                continue
            pixels = torch.from_numpy(word.image.copy()).permute(2, 0, 1)[None].to(self.device).float() / 255.0
            ready = self.network.prepare(pixels)
            prepared.setdefault(ready.shape, []).append((i, ready))

        # Images of one prepared size are read together.
        for group in prepared.values():
            for first in range(0, len(group), MAX_BATCH):
                members = group[first : first + MAX_BATCH]
                texts = [filter_to(words[i].text, self.network.charset) for i, _ in members]
                maps = self._maps(torch.cat([ready for _, ready in members]), texts)
                for (i, _), own in zip(members, maps, strict=True):
                    results[i] = self._by_character(words[i].text, own)

        return results

    def _by_character(self, text: str, maps: NDArray[np.float32] | None) -> Maps:
        """Assign steps to characters, skipping those that the recognizer does not know."""
        if maps is None:
            return [TOO_LONG] * len(text)
        # Maps are those of the known characters alone, in order.
        steps = iter(maps)
        return [next(steps) if filter_to(char, self.network.charset) else UNKNOWN for char in text]

    def _maps(self, prepared: torch.Tensor, texts: Sequence[str]) -> list[NDArray[np.float32] | None]:
        """One map ``(h, w)`` per known character of each text: ``(L, h, w)``."""
        if isinstance(self.network, CTCRecognizer):
            # Double precision on the CPU, since mps has none.
            scores = self.network.symbol_logits(prepared).log_softmax(dim=2).cpu().double()  # (T, B, K)
            # Each character's map is one row: how much of it lies in each step. (L, 1, T)
            placed, fits = align(scores, [self.network.codec.encode(text) for text in texts])
            rows = placed.float().numpy()[:, :, None]
            return [own[: len(text)] if fit else None for own, text, fit in zip(rows, texts, fits, strict=True)]

        assert isinstance(self.network, AttentionRecognizer)
        # (B, A, T, h, w), its heads merged, the steps after each text's end cut off.
        attention = self.network.forward_teacher_forced(prepared, texts).attention.float().cpu().numpy()
        return [merge_heads(rows, self.heads)[: len(text)] for rows, text in zip(attention, texts, strict=True)]
