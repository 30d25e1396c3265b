"""ASTER's decoder: additive attention, a GRU, and beam search."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from glyphsr.text.endings import IGNORED


@dataclass(frozen=True)
class Hypothesis:
    """One way to read a picture."""

    classes: tuple[int, ...]
    """Up to and including the end, if it came."""
    score: float
    """Sum of log-probabilities, not divided by the length."""


class AttentionDecoder(nn.Module):
    """Reads one character per step.

    Source: ``ayumiymk/aster.pytorch: lib/models/attention_recognition_head.py``.

    Args:
        in_features: Width of the encoder's features.
        hidden: Width of state, attention and embeddings.
        num_classes: Classes K; the embedding has one more row, the last, for the start.
    """

    def __init__(self, in_features: int, hidden: int, num_classes: int) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.hidden = hidden
        self.state_key = nn.Linear(hidden, hidden)
        self.feature_key = nn.Linear(in_features, hidden)
        self.score = nn.Linear(hidden, 1)
        self.embedding = nn.Embedding(num_classes + 1, hidden)
        self.gru = nn.GRU(hidden + in_features, hidden, batch_first=True)
        self.classifier = nn.Linear(hidden, num_classes)

    def step(self, features: Tensor, keys: Tensor, state: Tensor, previous: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """One step.

        Args:
            features: ``(B, P, in_features)``.
            keys: Their keys ``(B, P, hidden)``.
            state: ``(1, B, hidden)``.
            previous: ``(B,)`` classes; ``num_classes`` is the start.

        Returns:
            Logits ``(B, K)``, the new state, attention ``(B, P)``.
        """
        out, state, weights = self._look(features, keys, state, self.embedding(previous))
        return self.classifier(out), state, weights

    def _look(self, features: Tensor, keys: Tensor, state: Tensor, embedded: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """As :meth:`step` with the previous character embedded, and what the GRU gives instead of logits."""
        # Additive attention (Bahdanau): the state asks, columns answer.
        scores = self.score(torch.tanh(self.state_key(state[0])[:, None] + keys)).squeeze(2)  # (B, P)
        weights = scores.softmax(dim=1)

        context = (weights[:, None] @ features).squeeze(1)
        out, state = self.gru(torch.cat([embedded, context], dim=1)[:, None], state)
        return out.squeeze(1), state, weights

    def _start(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        batch = len(features)
        state = features.new_zeros(1, batch, self.hidden)
        # The class after all others begins a text.
        previous = torch.full((batch,), self.num_classes, dtype=torch.int64, device=features.device)
        return self.feature_key(features), state, previous

    def forward(self, features: Tensor, *, steps: int, previous: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Decode greedily, or with the true text given.

        Args:
            features: ``(B, P, in_features)``.
            steps: Decoding steps T.
            previous: ``(B, T)`` int64 classes, of which step t sees column t - 1; ``None`` for its own choices.

        Returns:
            Logits ``(B, T, K)`` and attention ``(B, T, P)``.
        """
        keys, state, last = self._start(features)
        logits, attention = [], []
        for t in range(steps):
            scores, state, weights = self.step(features, keys, state, last)
            logits.append(scores)
            attention.append(weights)
            last = scores.argmax(dim=1) if previous is None else previous[:, t].clamp_min(0)
        return torch.stack(logits, dim=1), torch.stack(attention, dim=1)

    def follow(self, features: Tensor, targets: Tensor) -> Tensor:
        """Decode with the true texts given, each picture to the end of its text and no further.

        What :meth:`forward` gives up to there, in less time: words of a batch differ much in length.

        Args:
            features: ``(B, P, in_features)``.
            targets: ``(B, T)`` int64 classes, the end of text included, after it -1.

        Returns:
            Logits ``(B, T, K)``; without meaning after the texts' ends.
        """
        lengths, order = (targets != IGNORED).sum(dim=1).sort(descending=True)
        features, forced = features[order], targets[order].clamp_min(0)
        keys, state, start = self._start(features)

        embedded = self.embedding(torch.cat([start[:, None], forced[:, :-1]], dim=1))  # (B, T, hidden)
        outs = []
        for t in range(targets.shape[1]):
            # Longest first, so that the texts that go on are the first rows.
            left = int((lengths > t).sum())
            out, state, _ = self._look(features[:left], keys[:left], state[:, :left], embedded[:left, t])
            outs.append(F.pad(out, (0, 0, 0, len(targets) - left)))

        logits: Tensor = self.classifier(torch.stack(outs, dim=1)[order.argsort()])
        return logits

    def beam_search(self, features: Tensor, *, steps: int, beam: int, end: int) -> list[Hypothesis]:
        """Best reading of each picture.

        The published search lets a beam that has ended leave its place, continues to the last step, and walks back. It
        returns the best of the first ``beam`` readings that ended and, if fewer did, of the best beams still
        alive. This one keeps those and stops as soon as every picture has ``beam`` readings.
        """
        batch, columns, width = features.shape
        features = features[:, None].expand(-1, beam, -1, -1).reshape(batch * beam, columns, width)
        keys, state, last = self._start(features)
        # All beams begin alike, so only the first one counts at the first step.
        scores = features.new_full((batch, beam), float("-inf"))
        scores[:, 0] = 0.0

        texts = torch.zeros(batch, beam, 0, dtype=torch.int64, device=features.device)
        ended: list[list[Hypothesis]] = [[] for _ in range(batch)]
        first = beam * torch.arange(batch, device=features.device)[:, None]  # row of each picture's beam 0
        for t in range(steps):
            logits, state, _ = self.step(features, keys, state, last)
            # Of all continuations of all beams of a picture the best ones go on.
            total = scores[..., None] + logits.log_softmax(dim=1).view(batch, beam, -1)
            scores, chosen = total.flatten(1).topk(beam, dim=1)  # (B, beam)
            parents, symbols = chosen // self.num_classes, chosen % self.num_classes
            # Texts and states move to the place of the beam that they continue.
            texts = texts.gather(1, parents[..., None].expand(-1, -1, t))
            texts = torch.cat([texts, symbols[..., None]], dim=2)
            state = state[:, (first + parents).flatten()]
            last = symbols.flatten()

            finished = (symbols == end) & scores.isfinite()  # a place that an ended beam left is no reading
            for b, k in finished.nonzero().tolist():
                if len(ended[b]) < beam:
                    ended[b].append(Hypothesis(tuple(texts[b, k].tolist()), float(scores[b, k])))

            scores = scores.masked_fill(finished, float("-inf"))
            if all(len(found) == beam for found in ended):
                break

        return [self._best(ended[b], texts[b], scores[b], beam) for b in range(batch)]

    @staticmethod
    def _best(ended: list[Hypothesis], texts: Tensor, scores: Tensor, beam: int) -> Hypothesis:
        alive = [Hypothesis(tuple(text.tolist()), float(score)) for text, score in zip(texts, scores, strict=True)]
        alive = sorted(alive, key=lambda found: found.score, reverse=True)[: beam - len(ended)]
        return max([*ended, *alive], key=lambda found: found.score)
