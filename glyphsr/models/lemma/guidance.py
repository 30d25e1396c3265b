"""LEMMA's guidance: pixels where text is meet what the text says."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from glyphsr.models.lemma.reader import NUM_CLASSES, LocatedText
from glyphsr.nn.layers.attention import sinusoidal_code
from glyphsr.nn.layers.post_norm import PostNormLayer

NUM_SELECTED = 500
"""Pixels in which text is sought most; the others are not shown to it."""

HEADS = 4


class TextGuidance(nn.Module):
    """Location enhancement and multi-modal alignment.

    Source: ``csguoh/LEMMA: model/Position_aware_module.py``, class ``Location_enhancement_Multimodal_alignment``.

    Args:
        width: Channels D of trunk and guidance, a multiple of 4.
        num_pixels: Pixels P of a picture.
        dropout: Rate, in training only.
    """

    pixel_code: Tensor

    def __init__(self, width: int, num_pixels: int, dropout: float) -> None:
        super().__init__()
        half = width // 2

        # Where text is.
        self.locate = nn.Sequential(
            nn.Conv2d(1, half, 3, padding=1, bias=False),
            nn.BatchNorm2d(half),
            nn.PReLU(),
            nn.Conv2d(half, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.PReLU(),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
        )

        self.mix = nn.Conv2d(width, width, 3, padding=1)
        self.embed = nn.Linear(NUM_CLASSES, width, bias=False)

        # What it says: words attend to each other, then to pixels; pixels to words.
        self.text_encoder = nn.ModuleList(PostNormLayer(width, HEADS, dropout) for _ in range(2))
        self.text_decoder = nn.ModuleList(PostNormLayer(width, HEADS, dropout) for _ in range(3))
        self.pixel_decoder = nn.ModuleList(PostNormLayer(width, HEADS, dropout) for _ in range(3))

        self.dropout = nn.Dropout(dropout)
        self.register_buffer("pixel_code", sinusoidal_code(num_pixels, width)[:, None])
        for parameter in self.parameters():
            if parameter.dim() > 1:
                nn.init.xavier_uniform_(parameter)

    def foreground(self, text: LocatedText) -> Tensor:
        """``(B, 1, h, w)``: how much any of a text's characters is at each pixel."""
        steps = torch.arange(text.attention.shape[1], device=text.lengths.device)
        # Steps after the end see nothing that is text.
        counts = (steps < text.lengths[:, None]).to(text.attention.dtype)  # (B, T)
        return (text.attention * counts[:, :, None, None]).amax(dim=1, keepdim=True)

    def select(self, foreground: Tensor) -> Tensor:
        """``(B, 1, h, w)`` -> the pixels ``(B, S)`` with most text, by their places in a row."""
        order = foreground.flatten(1).sort(dim=1, descending=True, stable=True).indices
        return order[:, :NUM_SELECTED]

    def forward(self, text: LocatedText, features: Tensor) -> Tensor:
        """Make the guidance of every block.

        Args:
            text: What the reader found.
            features: ``(B, D, h, w)`` of the trunk's stem.

        Returns:
            ``(B, D, h, w)``.
        """
        # Location enhancement: features where text is, each pixel with the code of its place.
        foreground = self.foreground(text)
        attention = self.locate(foreground).flatten(2).softmax(dim=2).view_as(features)
        code = self.dropout(self.pixel_code)  # (P, 1, D)
        enhanced = self.mix(F.instance_norm(features) * attention).flatten(2).permute(2, 0, 1) + code  # (P, B, D)
        # Only the pixels with most text talk to the words.
        selected = self.select(foreground).T[:, :, None].expand(-1, -1, enhanced.shape[2])  # (S, B, D)
        pixels = enhanced.gather(0, selected)
        # Words: what each character is, and the mean code of where it is.
        places = (text.attention.flatten(2) @ code[:, 0]).transpose(0, 1)  # (T, B, D)
        words = self.embed(text.meant).transpose(0, 1) + places

        for layer in self.text_encoder:
            words, _ = layer(words, words, words)

        keys = words
        for layer in self.text_decoder:
            keys, _ = layer(keys, pixels, pixels)

        # Back to the whole picture, zeros where no text was sought.
        x = torch.zeros_like(enhanced).scatter(0, selected, pixels)
        for layer in self.pixel_decoder:
            x, _ = layer(x, keys, words)

        return x.permute(1, 2, 0).reshape_as(features)
