"""LEMMA's reader, which is ABINet's: where each character is seen, and what the word says."""

import string
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from glyphsr.nn.layers.attention import sinusoidal_code
from glyphsr.nn.layers.language_model import LanguageModel
from glyphsr.nn.layers.post_norm import PostNormLayer
from glyphsr.nn.layers.residual_stages import ResidualStages
from glyphsr.text.endings import EndedCodec

CODEC = EndedCodec(string.ascii_lowercase + "1234567890", end=0, first=1)
"""ABINet's classes: end of text, a-z, 1-9, 0."""

NUM_CLASSES = 37

STEPS = 26
"""Characters that can be seen, the end included."""

STRIDES = ((2, 2), (1, 1), (2, 2), (1, 1), (1, 1))

GRID = (8, 32)
"""Places of the encoder, of a 32 x 128 picture."""

MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)


@dataclass(frozen=True, eq=False)
class LocatedText:
    """What the reader makes of a batch of pictures."""

    attention: Tensor
    """``(B, T, 2h', 2w')``: where each character is seen, enlarged, so that it may be a little below 0."""
    seen: Tensor
    """Logits ``(B, T, K)`` of what is seen there."""
    meant: Tensor
    """Logits ``(B, T, K)`` of what the language model makes of it."""
    seen_lengths: Tensor
    """``(B,)`` int64: characters seen, the end included, at least 2."""
    lengths: Tensor
    """``(B,)`` int64: likewise of what is meant."""


def text_lengths(logits: Tensor) -> Tensor:
    """Positions up to the first end of text, which counts; all of them where there is none; at least 2.

    Args:
        logits: ``(B, T, K)``, class 0 the end.

    Returns:
        ``(B,)`` int64.
    """
    ends = logits.argmax(dim=2) == 0  # (B, T)
    first = ends.int().argmax(dim=1) + 1  # the end counts
    return torch.where(ends.any(dim=1), first, logits.shape[1]).clamp(min=2)


class PositionAttention(nn.Module):
    """Finds each position's character among the places of a feature map: a small U-net makes the keys.

    Args:
        width: Channels of the map, D.
        hidden: Channels inside the U-net.
    """

    SHRINKING = ((1, 2), (2, 2), (2, 2), (2, 2))

    position_code: Tensor

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        down, up = (width, *[hidden] * 4), (*[hidden] * 4, width)
        self.down = nn.ModuleList(_conv_bn(down[i], down[i + 1], stride) for i, stride in enumerate(self.SHRINKING))
        self.up = nn.ModuleList(_conv_bn(up[i], up[i + 1], (1, 1)) for i in range(4))
        self.project = nn.Linear(width, width)
        self.register_buffer("position_code", sinusoidal_code(STEPS, width)[:, None])

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """``(B, D, h, w)`` -> what is seen ``(B, T, D)``, and where ``(B, T, h, w)``, summing to 1 over the map."""
        keys, skips = features, []
        # A small U-net over the features makes the keys; its input is not added at the end.
        for layer in self.down:
            keys = layer(keys)
            skips.append(keys)
        for layer, skip in zip(self.up, [*reversed(skips[:-1]), features], strict=True):
            keys = layer(F.interpolate(keys, size=skip.shape[-2:], mode="nearest"))
            keys = keys if skip is features else keys + skip
        # Each position asks where its character is.
        queries = self.project(self.position_code[:, 0])  # (T, D)
        scores = (queries @ keys.flatten(2)) / features.shape[1] ** 0.5  # (B, T, h w)
        weights = scores.softmax(dim=2)
        return weights @ features.flatten(2).transpose(1, 2), weights.unflatten(2, features.shape[-2:])


def _conv_bn(in_channels: int, out_channels: int, stride: tuple[int, int]) -> nn.Sequential:
    conv = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1)
    return nn.Sequential(conv, nn.BatchNorm2d(out_channels), nn.ReLU())


class LocatingReader(nn.Module):
    """ABINet without its fusion: vision, then language once.

    Source: ``csguoh/LEMMA: model/Position_aware_module.py, backbone.py, resnet.py``.

    Args:
        width: Channels of the residual network's stem; the features have 16 times as many.
        dropout: Rate, in training only.
    """

    place_code: Tensor
    mean: Tensor
    deviation: Tensor

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()

        features = 16 * width
        # ABINet's vision half, then its language half.
        self.encoder = ResidualStages(width, STRIDES, stride_late=True)
        self.layers = nn.ModuleList(PostNormLayer(features, 8, dropout, hidden=4 * features) for _ in range(3))
        self.attention = PositionAttention(features, 2 * width)
        self.classify = nn.Linear(features, NUM_CLASSES)

        self.language_model = LanguageModel(
            NUM_CLASSES, width=features, hidden=4 * features, max_steps=STEPS, dropout=dropout
        )
        self.dropout = nn.Dropout(dropout)

        self.register_buffer("place_code", sinusoidal_code(GRID[0] * GRID[1], features)[:, None])
        self.register_buffer("mean", torch.tensor(MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(DEVIATION).view(3, 1, 1), persistent=False)

    def see(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """RGB ``(B, 3, 32, 128)`` -> logits ``(B, T, K)`` and attention ``(B, T, 8, 32)``."""
        x = self.encoder((images - self.mean) / self.deviation)  # (B, D, 8, 32)
        places = self.dropout(x.flatten(2).permute(2, 0, 1) + self.place_code)  # (P, B, D)
        for layer in self.layers:
            places, _ = layer(places, places, places)
        vectors, attention = self.attention(places.permute(1, 2, 0).reshape_as(x))
        return self.classify(vectors), attention

    def forward(self, lr: Tensor) -> LocatedText:
        """Read RGB pictures ``(B, 3, 16, 64)`` in [0, 1]; the language model teaches the rest nothing."""
        # Enlarged as its authors do it, corners on corners.
        images = F.interpolate(lr, scale_factor=2, mode="bicubic", align_corners=True)
        seen, attention = self.see(images)
        seen_lengths = text_lengths(seen)

        meant = self.language_model(seen.detach().softmax(dim=2), seen_lengths)

        enlarged = F.interpolate(attention, scale_factor=2, mode="bicubic", align_corners=True)
        return LocatedText(enlarged, seen, meant, seen_lengths, text_lengths(meant))
