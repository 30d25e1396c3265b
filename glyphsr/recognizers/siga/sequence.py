"""SIGA's recurrent parts: encoders along the line, the gate, and decoders that write one character per step."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn


class _Layer(nn.Module):
    def __init__(self, in_features: int, hidden: int) -> None:
        super().__init__()
        self.rnn = nn.LSTM(in_features, hidden, bidirectional=True, batch_first=True)
        self.linear = nn.Linear(2 * hidden, hidden)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(self.rnn(x)[0])  # type: ignore[no-any-return]


class SequenceEncoder(nn.Module):
    """Bidirectional LSTMs, each with a linear layer: ``(B, P, in_features)`` -> ``(B, P, hidden)``."""

    def __init__(self, in_features: int, hidden: int, *, layers: int = 2) -> None:
        super().__init__()
        self.layers = nn.ModuleList(_Layer(hidden if i else in_features, hidden) for i in range(layers))

    def forward(self, x: Tensor) -> Tensor:
        """Encode."""
        for layer in self.layers:
            x = layer(x)
        return x


class Gate(nn.Module):
    """Mixes two tensors ``(..., hidden)`` place by place, each after tanh."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.weight = nn.Linear(2 * hidden, hidden)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """``(..., hidden)`` twice -> ``(..., hidden)``."""
        gate = self.weight(torch.cat([a, b], dim=-1)).sigmoid()
        return gate * a.tanh() + (1 - gate) * b.tanh()  # type: ignore[no-any-return]


class Decoder(nn.Module):
    """An LSTM cell that is fed one vector and the character before at each step.

    Args:
        in_features: Width of what it is fed.
        hidden: Units of the cell.
        embedding: Width of a character.
        num_classes: Classes K; the last row of the embeddings, K, is the start.
    """

    def __init__(self, in_features: int, hidden: int, embedding: int, num_classes: int) -> None:
        super().__init__()
        self.start = num_classes
        self.hidden = hidden
        self.characters = nn.Embedding(num_classes + 1, embedding)
        self.cell = nn.LSTMCell(in_features + embedding, hidden)
        self.classifier = nn.Linear(hidden, num_classes)

    def forward(self, inputs: Tensor, *, previous: Tensor | None = None) -> Tensor:
        """Decode greedily, or with the true text given.

        Args:
            inputs: ``(B, T, in_features)``.
            previous: ``(B, T)`` int64 classes fed at each step, the start first; ``None`` for its own choices.

        Returns:
            Logits ``(B, T, K)``.
        """
        state = cell = inputs.new_zeros(len(inputs), self.hidden)
        rows = torch.full((len(inputs),), self.start, dtype=torch.int64, device=inputs.device)
        logits = []
        for step in range(inputs.shape[1]):
            if previous is not None:
                rows = previous[:, step]
            state, cell = self.cell(torch.cat([inputs[:, step], self.characters(rows)], dim=1), (state, cell))
            logits.append(self.classifier(state))
            rows = logits[-1].argmax(dim=1)
        return torch.stack(logits, dim=1)


class AttentionDecoder(nn.Module):
    """Reads columns by additive attention; with a gate it mixes in the glyph of each step.

    Args:
        hidden: Width of columns, glyphs, state and embeddings.
        num_classes: Classes K; row K of the embeddings is the start.
        gated: Whether glyphs are mixed in.
    """

    def __init__(self, hidden: int, num_classes: int, *, gated: bool = False) -> None:
        super().__init__()
        self.column_key = nn.Linear(hidden, hidden, bias=False)
        self.state_key = nn.Linear(hidden, hidden)
        self.score = nn.Linear(hidden, 1, bias=False)
        self.gate = Gate(hidden) if gated else None
        self.start = num_classes
        self.hidden = hidden
        self.characters = nn.Embedding(num_classes + 1, hidden)
        self.cell = nn.LSTMCell(2 * hidden, hidden)
        self.classifier = nn.Linear(hidden, num_classes)

    def forward(
        self, columns: Tensor, *, steps: int, glyphs: Tensor | None = None, previous: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Decode greedily, or with the true text given.

        Args:
            columns: ``(B, P, hidden)``.
            steps: Decoding steps T.
            glyphs: ``(B, T, hidden)`` for a gated decoder.
            previous: ``(B, T)`` int64 classes fed at each step, the start first; ``None`` for its own choices.

        Returns:
            Logits ``(B, T, K)``, what the cell was fed ``(B, T, hidden)`` and attention ``(B, T, P)``.
        """
        found = list(self._steps(columns, steps, glyphs, previous))
        logits, fed, attention = (torch.stack(parts, dim=1) for parts in zip(*found, strict=True))
        return logits, fed, attention

    def _steps(
        self, columns: Tensor, steps: int, glyphs: Tensor | None, previous: Tensor | None
    ) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        keys = self.column_key(columns)
        state = cell = columns.new_zeros(len(columns), self.hidden)
        rows = torch.full((len(columns),), self.start, dtype=torch.int64, device=columns.device)
        for step in range(steps):
            if previous is not None:
                rows = previous[:, step]

            # Where to look, from the state; what is there, and the glyph of this step beside it.
            scores = self.score(torch.tanh(keys + self.state_key(state)[:, None]))  # (B, P, 1)
            weights = scores.softmax(dim=1)
            context = (weights * columns).sum(dim=1)  # (B, hidden)
            if self.gate is not None:
                assert glyphs is not None
                context = self.gate(context, glyphs[:, step])

            state, cell = self.cell(torch.cat([context, self.characters(rows)], dim=1), (state, cell))
            logits = self.classifier(state)
            yield logits, context, weights[..., 0]
            rows = logits.argmax(dim=1)
