"""The recurrent layer of CRNN and MORAN."""

from torch import Tensor, nn


class BidirectionalLSTM(nn.Module):
    """A bidirectional LSTM and a linear layer over time-first sequences."""

    def __init__(self, in_features: int, hidden: int, out_features: int) -> None:
        super().__init__()
        self.rnn = nn.LSTM(in_features, hidden, bidirectional=True)
        self.embedding = nn.Linear(2 * hidden, out_features)

    def forward(self, x: Tensor) -> Tensor:
        """``(T, B, in_features)`` -> ``(T, B, out_features)``."""
        y, _ = self.rnn(x)
        return self.embedding(y)  # type: ignore[no-any-return]
