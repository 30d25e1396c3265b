"""Attention as Scene Text Telescope writes it, in its recognizer and in TBSRN."""

import math

import torch
from torch import Tensor, nn


class UnbiasedLayerNorm(nn.Module):
    """Layer norm by the unbiased standard deviation, with epsilon added outside the root.

    Source: ``FudanVI/FudanOCR: scene-text-telescope``; differs from :class:`torch.nn.LayerNorm` in both points.
    """

    EPSILON = 1e-6

    def __init__(self, width: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(width))
        self.shift = nn.Parameter(torch.zeros(width))

    def forward(self, x: Tensor) -> Tensor:
        """``(..., width)`` -> the same shape."""
        deviation = x.std(dim=-1, keepdim=True)
        return self.scale * (x - x.mean(dim=-1, keepdim=True)) / (deviation + self.EPSILON) + self.shift


class MultiHeadAttention(nn.Module):
    """Scaled dot-product attention over several heads, which can hand out its weights.

    Args:
        width: Features in and out, a multiple of ``heads``.
        heads: Attention heads A.
        dropout: Rate on the attention weights, in training only.
    """

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.out = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)

    def _split(self, x: Tensor) -> Tensor:
        return x.view(*x.shape[:2], self.heads, -1).transpose(1, 2)  # (B, A, S, width / A)

    def keys_values(self, memory: Tensor) -> tuple[Tensor, Tensor]:
        """Project ``(B, S, width)`` once for many :meth:`attend` calls: two ``(B, A, S, width / A)``."""
        return self._split(self.key(memory)), self._split(self.value(memory))

    def attend(
        self, query: Tensor, keys_values: tuple[Tensor, Tensor], *, allowed: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Attend to projected places.

        Args:
            query: ``(B, T, width)``.
            keys_values: Of :meth:`keys_values`.
            allowed: ``(T, S)`` bool, false where a query may not look.

        Returns:
            Result ``(B, T, width)`` and weights ``(B, A, T, S)``.
        """
        keys, values = keys_values
        q = self._split(self.query(query))
        scores = q @ keys.transpose(2, 3) / math.sqrt(q.shape[-1])  # (B, A, T, S)

        if allowed is not None:
            scores = scores.masked_fill(~allowed, float("-inf"))

        weights = scores.softmax(dim=-1)
        mixed = (self.dropout(weights) @ values).transpose(1, 2).flatten(2)  # (B, T, width)
        return self.out(mixed), weights

    def forward(self, x: Tensor, *, allowed: Tensor | None = None) -> Tensor:
        """Self-attention on ``(B, S, width)``."""
        return self.attend(x, self.keys_values(x), allowed=allowed)[0]


class FeedForward(nn.Module):
    """Linear, ReLU, dropout, linear on each place."""

    def __init__(self, width: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.expand = nn.Linear(width, hidden)
        self.reduce = nn.Linear(hidden, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """``(..., width)`` -> the same shape."""
        return self.reduce(self.dropout(self.expand(x).relu()))  # type: ignore[no-any-return]


def sinusoidal_code(length: int, width: int) -> Tensor:
    """Sine on even, cosine on odd channels, wavelengths from 2 pi to 10000 x 2 pi.

    Returns:
        ``(length, width)`` float32.
    """
    places = torch.arange(length, dtype=torch.float32)[:, None]
    rates = torch.exp(torch.arange(0, width, 2, dtype=torch.float32) * -(math.log(10_000.0) / width))

    code = torch.zeros(length, width)
    code[:, 0::2] = torch.sin(places * rates)
    code[:, 1::2] = torch.cos(places * rates)
    return code
