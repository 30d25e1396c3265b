"""Transformer layers that normalise after each sum, as TATT, PEAN, LEMMA and ABINet's language model have them."""

import torch.nn.functional as F
from torch import Tensor, nn


class PostNormLayer(nn.Module):
    """Attention and feed-forward, each with a residual sum and a norm after it.

    Args:
        width: Features D.
        heads: Attention heads.
        dropout: Rate, in training only.
        hidden: Features inside the feed-forward part; as many as outside by default.
    """

    def __init__(self, width: int, heads: int, dropout: float, *, hidden: int | None = None) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(width, heads, dropout=dropout)
        self.expand = nn.Linear(width, hidden or width)
        self.reduce = nn.Linear(hidden or width, width)
        self.norm1 = nn.LayerNorm(width)
        self.norm2 = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self,
        query: Tensor,
        keys: Tensor,
        values: Tensor,
        *,
        query_code: Tensor | None = None,
        forbidden: Tensor | None = None,
        padding: Tensor | None = None,
        need_weights: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """Update a sequence from another one, or from itself.

        Args:
            query: What is updated, ``(S, B, D)``.
            keys: ``(T, B, D)``.
            values: ``(T, B, D)``.
            query_code: Position code that joins ``query`` where it asks, not where it is summed.
            forbidden: ``(S, T)`` bool, true where a place may not look.
            padding: ``(B, T)`` bool, true where there is nothing to see.
            need_weights: Give the attention ``(B, S, T)`` too, mean over heads.

        Returns:
            ``(S, B, D)`` and the attention or ``None``.
        """
        # The code of places is only for asking; what is added up goes without.
        asking = query if query_code is None else query + query_code
        y, weights = self.attention(
            asking, keys, values, attn_mask=forbidden, key_padding_mask=padding, need_weights=need_weights
        )

        x = self.norm1(query + self.dropout(y))
        y = self.reduce(self.dropout(F.relu(self.expand(x))))
        return self.norm2(x + self.dropout(y)), weights
