"""ASRN's decoder: additive attention over columns and a GRU cell."""

import torch
from torch import Tensor, nn


class AttentionDecoder(nn.Module):
    """Reads one character per step in one direction.

    Source: ``Canjie-Luo/MORAN_v2: models/asrn_res.py`` in test mode.

    Args:
        hidden: Width of features, state and embeddings.
        num_classes: Classes K, the end of text included; embedding row 0 is the start, row k + 1 is class k.
    """

    def __init__(self, hidden: int, num_classes: int) -> None:
        super().__init__()
        self.characters = nn.Parameter(torch.randn(num_classes + 1, hidden))
        self.feature_key = nn.Linear(hidden, hidden, bias=False)
        self.state_key = nn.Linear(hidden, hidden)
        self.score = nn.Linear(hidden, 1, bias=False)
        self.cell = nn.GRUCell(2 * hidden, hidden)
        self.classifier = nn.Linear(hidden, num_classes)

    def forward(self, features: Tensor, *, steps: int, previous: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Decode greedily, or with the true text given.

        Args:
            features: ``(P, B, hidden)``, P columns.
            steps: Decoding steps T.
            previous: ``(B, T)`` int64 classes, of which step t sees column t - 1; ``None`` for its own choices.

        Returns:
            Logits ``(B, T, K)`` and attention ``(B, T, P)``.
        """
        keys = self.feature_key(features)

        state = features.new_zeros(features.shape[1], features.shape[2])
        rows = torch.zeros(features.shape[1], dtype=torch.int64, device=features.device)
        logits, attention = [], []

        for t in range(steps):
            scores = self.score(torch.tanh(keys + self.state_key(state)))  # (P, B, 1)
            weights = scores.softmax(dim=0)
            context = (weights * features).sum(dim=0)  # (B, hidden)
            state = self.cell(torch.cat([context, self.characters[rows]], dim=1), state)

            logits.append(self.classifier(state))
            attention.append(weights.squeeze(2).T)

            # Row 0 of the embedding is the start, row 1 + k is class k.
            rows = 1 + (logits[-1].argmax(dim=1) if previous is None else previous[:, t].clamp_min(0))

        return torch.stack(logits, dim=1), torch.stack(attention, dim=1)
