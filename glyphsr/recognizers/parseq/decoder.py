"""PARSeq's decoder: position queries attend to the text so far, then to the image."""

import torch.nn.functional as F
from torch import Tensor, nn


class TwoStreamDecoderLayer(nn.Module):
    """Pre-norm decoder layer whose queries are positions and whose context is text.

    The published networks have one layer, so the content stream itself is never updated.

    Args:
        embed_dim: Width D.
        num_heads: Attention heads.
        mlp_dim: Hidden units of the feed-forward part.
        dropout: Rate, in training only.
    """

    def __init__(self, embed_dim: int, *, num_heads: int, mlp_dim: int, dropout: float) -> None:
        super().__init__()
        self.self_attn = nn.MultiheadAttention(embed_dim, num_heads, dropout=dropout, batch_first=True)
        self.cross_attn = nn.MultiheadAttention(embed_dim, num_heads, dropout=dropout, batch_first=True)
        self.linear1 = nn.Linear(embed_dim, mlp_dim)
        self.linear2 = nn.Linear(mlp_dim, embed_dim)
        self.norm1 = nn.LayerNorm(embed_dim)
        self.norm2 = nn.LayerNorm(embed_dim)
        self.norm_q = nn.LayerNorm(embed_dim)
        self.norm_c = nn.LayerNorm(embed_dim)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self,
        query: Tensor,
        content: Tensor,
        memory: Tensor,
        *,
        forbidden: Tensor | None,
        padding: Tensor | None,
    ) -> Tensor:
        """Update the queries.

        Args:
            query: ``(B, T, D)`` position queries.
            content: ``(B, S, D)`` embedded text.
            memory: ``(B, P, D)`` encoded image.
            forbidden: ``(T, S)`` bool, true where a query may not look.
            padding: ``(B, S)`` bool, true where the content is padding.

        Returns:
            ``(B, T, D)``.
        """
        return self.with_attention(query, content, memory, forbidden=forbidden, padding=padding, need_weights=False)[0]

    def with_attention(
        self,
        query: Tensor,
        content: Tensor,
        memory: Tensor,
        *,
        forbidden: Tensor | None,
        padding: Tensor | None = None,
        need_weights: bool = True,
    ) -> tuple[Tensor, Tensor | None]:
        """As :meth:`forward`, and the weights over the image ``(B, A, T, P)`` where they are asked for."""
        # Positions ask the text so far, then the picture.
        context = self.norm_c(content)
        y, _ = self.self_attn(
            self.norm_q(query), context, context, attn_mask=forbidden, key_padding_mask=padding, need_weights=False
        )
        x = query + self.dropout(y)
        y, weights = self.cross_attn(
            self.norm1(x), memory, memory, need_weights=need_weights, average_attn_weights=False
        )
        x = x + self.dropout(y)
        y = self.linear2(self.dropout(F.gelu(self.linear1(self.norm2(x)))))
        return x + self.dropout(y), weights


class Decoder(nn.Module):
    """The decoder layers (one, as published) and the final norm."""

    def __init__(self, layer: TwoStreamDecoderLayer, embed_dim: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList([layer])
        self.norm = nn.LayerNorm(embed_dim)

    def forward(
        self, query: Tensor, content: Tensor, memory: Tensor, *, forbidden: Tensor | None, padding: Tensor | None
    ) -> Tensor:
        """As :meth:`TwoStreamDecoderLayer.forward`, normalised."""
        x = self.layers[0](query, content, memory, forbidden=forbidden, padding=padding)
        return self.norm(x)  # type: ignore[no-any-return]

    def with_attention(
        self, query: Tensor, content: Tensor, memory: Tensor, *, forbidden: Tensor
    ) -> tuple[Tensor, Tensor]:
        """As :meth:`TwoStreamDecoderLayer.with_attention`, normalised."""
        layer = self.layers[0]
        assert isinstance(layer, TwoStreamDecoderLayer)
        x, weights = layer.with_attention(query, content, memory, forbidden=forbidden)
        assert weights is not None
        return self.norm(x), weights
