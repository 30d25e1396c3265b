"""SIGA's glyph attention on pictures: its foreground under the columns that belong to each character."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from glyphsr.errors import ConfigError
from glyphsr.extraction.recognizer_attention import MAX_BATCH, TOO_LONG, UNKNOWN
from glyphsr.glyphs.word import Word
from glyphsr.models.registry import RecognizerNetwork
from glyphsr.recognizers.protocols import ForegroundRecognizer
from glyphsr.text.charset import filter_to

FOREGROUND = 0.5
"""Probability above which a pixel is text."""

COLUMN = 0.05
"""1D attention above which a column belongs to a character, as in SIGA's own labels."""

REACH = 1.5
"""Pixels that a place of the picture may lie from the nearest rectified pixel; farther ones the rectifier cut off."""

Regions = list[NDArray[np.bool_] | str]


@dataclass(eq=False)
class SIGAAttention:
    """Foreground times 1D attention of SIGA, given the true text, brought back from the rectified picture.

    Args:
        network: SIGA, in eval mode.
        device: Where to compute.

    Raises:
        ConfigError: If the network is another recognizer.
    """

    network: RecognizerNetwork
    device: torch.device

    def __post_init__(self) -> None:
        if not isinstance(self.network, ForegroundRecognizer):
            raise ConfigError(
                f"--glyph-recognizer: expected SIGA, got {self.network.config.kind}, which segments no foreground"
            )
        self.network.to(self.device).eval()

    @torch.inference_mode()
    def regions(self, words: Sequence[Word]) -> list[Regions]:
        """As :meth:`glyphsr.glyphs.attention.GlyphAttentionSource.regions`."""
        results: list[Regions] = [[] for _ in words]
        readable: list[int] = []
        for i, word in enumerate(words):
            known = filter_to(word.text, self.network.charset)
            if known and len(known) <= (self.network.max_length or len(known)):
                readable.append(i)
            else:
                results[i] = [TOO_LONG if known else UNKNOWN] * len(word.text)

        for first in range(0, len(readable), MAX_BATCH):
            members = readable[first : first + MAX_BATCH]
            for i, found in zip(members, self._batch([words[i] for i in members]), strict=True):
                # Characters that SIGA does not know keep their place in the word, with a reason.
                steps = iter(found)
                known_char = [bool(filter_to(char, self.network.charset)) for char in words[i].text]
                results[i] = [next(steps) if known else UNKNOWN for known in known_char]

        return results

    def _batch(self, words: Sequence[Word]) -> list[NDArray[np.bool_]]:
        """``(L, H, W)`` for each word, L its readable characters."""
        network = self.network
        assert isinstance(network, ForegroundRecognizer)
        pictures = [torch.from_numpy(word.image.copy()).permute(2, 0, 1)[None].float() / 255 for word in words]
        prepared = torch.cat([network.prepare(picture.to(self.device)) for picture in pictures])

        texts = [filter_to(word.text, network.charset) for word in words]
        seen = network.attend_foreground(prepared, texts)

        # A pixel is a character's where text is, in the columns that the character's attention reaches.
        width = seen.foreground.shape[2]
        columns = F.interpolate(seen.attention, size=width, mode="linear", align_corners=False)
        regions = (seen.foreground > FOREGROUND)[:, None] & (columns > COLUMN)[:, :, None]  # (B, T, 32, 128)
        # Back from the rectified picture to the frame, without the steps after the text.
        rows = zip(regions.cpu().numpy(), seen.grid.cpu().numpy(), words, texts, strict=True)
        return [_in_frame(row[: len(known)], grid, word.ink.mask.shape) for row, grid, word, known in rows]


def _in_frame(regions: NDArray[np.bool_], grid: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.bool_]:
    """Regions of the rectified picture in the frame ``size``: each pixel gets what the rectified one nearest to it has.

    Args:
        regions: ``(L, 32, 128)``.
        grid: ``(32, 128, 2)``: where each rectified pixel comes from, x and y in [-1, 1].
        size: ``(H, W)``.
    """
    height, width = regions.shape[1:]
    # Where each rectified pixel comes from, in pixels of the prepared picture.
    sources = (grid.reshape(-1, 2) + 1) / 2 * (width - 1, height - 1)
    rows, columns = np.mgrid[:height, :width]
    distance, nearest = cKDTree(sources).query(np.stack([columns.ravel(), rows.ravel()], axis=1))
    flat = regions.reshape(len(regions), -1)[:, nearest] & (distance <= REACH)
    masks = flat.reshape(len(regions), height, width).astype(np.uint8)
    return np.stack([cv2.resize(mask, size[::-1], interpolation=cv2.INTER_NEAREST) > 0 for mask in masks])
