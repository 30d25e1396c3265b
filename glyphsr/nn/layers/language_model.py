"""ABINet's language model: corrects a reading by what stands around each character."""

import torch
from torch import Tensor, nn

from glyphsr.nn.layers.attention import sinusoidal_code
from glyphsr.nn.layers.post_norm import PostNormLayer


class LanguageModel(nn.Module):
    """Bidirectional cloze network: every position is guessed from all others.

    Source: ``JingyeChen/C3-STISR: model/language_correction.py`` and ``csguoh/LEMMA: model/Position_aware_module.py``,
    class ``BCNLanguage`` of both.

    Args:
        num_classes: Classes K of the reading.
        width: Features D.
        heads: Attention heads.
        hidden: Features inside the feed-forward parts.
        num_layers: Decoder layers, of cross-attention alone.
        max_steps: Positions whose code travels in checkpoints; more are computed when they come.
        dropout: Rate, in training only.
    """

    query_code: Tensor
    token_code: Tensor

    def __init__(
        self,
        num_classes: int,
        *,
        width: int = 512,
        heads: int = 8,
        hidden: int = 2048,
        num_layers: int = 4,
        max_steps: int = 26,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.embed = nn.Linear(num_classes, width, bias=False)
        self.layers = nn.ModuleList(PostNormLayer(width, heads, dropout, hidden=hidden) for _ in range(num_layers))
        self.classify = nn.Linear(width, num_classes)
        self.dropout = nn.Dropout(dropout)
        code = sinusoidal_code(max_steps, width)[:, None]  # (T, 1, D)
        self.register_buffer("query_code", code)
        self.register_buffer("token_code", code.clone())

    def _codes(self, steps: int) -> tuple[Tensor, Tensor]:
        # Longer than trained: the code is a formula, which has no end.
        if steps <= len(self.query_code):
            return self.query_code[:steps], self.token_code[:steps]
        code = sinusoidal_code(steps, self.query_code.shape[2])[:, None].to(self.query_code)
        return code, code

    def forward(self, reading: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Correct a reading.

        Args:
            reading: ``(B, T, K)`` class probabilities.
            lengths: ``(B,)`` int, positions that count, each at least 2; all by default.

        Returns:
            Logits ``(B, T, K)``.
        """
        steps = reading.shape[1]
        query_code, token_code = self._codes(steps)
        # Queries are codes of positions alone, so that no position sees its own character.
        tokens = self.dropout(self.embed(reading).transpose(0, 1) + token_code)  # (T, B, D)
        places = torch.arange(steps, device=reading.device)
        itself = places[:, None] == places  # (T, T)
        padding = None if lengths is None else places >= lengths[:, None]  # (B, T)

        x = query_code.expand_as(tokens)
        for layer in self.layers:
            x, _ = layer(x, tokens, tokens, forbidden=itself, padding=padding)
        return self.classify(x.transpose(0, 1))  # type: ignore[no-any-return]
