"""The Telescope recognizer's decoder: one post-norm transformer layer."""

import torch
from torch import Tensor, nn

from glyphsr.nn.layers.attention import FeedForward, MultiHeadAttention, UnbiasedLayerNorm


class Decoder(nn.Module):
    """Causal self-attention over the text so far, attention over the picture, feed-forward.

    Source: ``FudanVI/FudanOCR: scene-text-telescope/loss/transformer.py``.
    """

    def __init__(self, width: int, *, heads: int, mlp_dim: int, dropout: float) -> None:
        super().__init__()
        self.self_attention = MultiHeadAttention(width, heads, dropout)
        self.norm1 = UnbiasedLayerNorm(width)
        self.cross_attention = MultiHeadAttention(width, heads, dropout)
        self.norm2 = UnbiasedLayerNorm(width)
        self.feed_forward = FeedForward(width, mlp_dim, dropout)
        self.norm3 = UnbiasedLayerNorm(width)

    def forward(self, text: Tensor, picture: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """Decode.

        Args:
            text: ``(B, T, width)`` embedded text so far.
            picture: Keys and values of the encoder's places, from ``cross_attention.keys_values``.

        Returns:
            ``(B, T, width)`` and attention over the places ``(B, heads, T, P)``.
        """
        steps = text.shape[1]
        causal = torch.ones(steps, steps, dtype=torch.bool, device=text.device).tril()

        x = self.norm1(text + self.self_attention(text, allowed=causal))
        seen, weights = self.cross_attention.attend(x, picture)
        x = self.norm2(x + seen)
        return self.norm3(x + self.feed_forward(x)), weights
