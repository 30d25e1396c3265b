"""Attention among places that are alike: places are sorted by a hash, and each sees those sorted near it."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CHUNK = 144
"""Places that attend to each other and to the chunks before and after."""


class HashAttention(nn.Module):
    """Every place attends to places of its chunk, in the order of their hash.

    Source: ``xyzhu1/TSAN: model/network.py``, class ``GWAM``. The release hashes by a rotation of ones, so that only
    the sign of a place's sum counts, in each of four rounds alike; here it is one round. Places of one sign stay in the
    order of the picture, as a stable sort leaves them.

    Args:
        width: Channels, a multiple of 4.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.match = nn.Conv2d(width, width // 4, 3, padding=1)
        self.assemble = nn.Conv2d(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, width, h, w)`` -> the same shape."""
        match = self.match(x).flatten(2).transpose(1, 2)  # (B, P, width / 4)
        values = self.assemble(x).flatten(2).transpose(1, 2)  # (B, P, width)

        # Places are sorted by their one-bit hash and cut into chunks; attention stays within neighbouring chunks.
        order = (match.sum(dim=2) < 0).to(torch.int8).sort(dim=1, stable=True).indices  # (B, P)
        places = order.shape[1]
        chunk = min(CHUNK, places)
        filled = torch.cat([order, order[:, places - (-places % chunk) :]], dim=1)  # the last ones fill the last chunk
        shape = (len(x), -1, chunk, x.shape[1])

        queries = _take(match, filled).view(len(x), -1, chunk, match.shape[2])  # (B, N, chunk, width / 4)
        keys = _with_neighbours(F.normalize(queries, dim=3, eps=5e-5))  # (B, N, 3 chunk, width / 4)
        seen = _with_neighbours(_take(values, filled).view(shape))
        mixed = (queries @ keys.transpose(2, 3)).softmax(dim=3) @ seen  # (B, N, chunk, width)

        # Back to the order in which they came.
        mixed = mixed.flatten(1, 2)[:, :places]
        back = torch.zeros_like(values).scatter(1, order[:, :, None].expand_as(mixed), mixed)
        return x + back.transpose(1, 2).reshape_as(x)


def _take(sequence: Tensor, order: Tensor) -> Tensor:
    """``(B, P, D)`` in the order ``(B, S)`` -> ``(B, S, D)``."""
    return sequence.gather(1, order[:, :, None].expand(-1, -1, sequence.shape[2]))


def _with_neighbours(chunks: Tensor) -> Tensor:
    """``(B, N, S, D)`` -> ``(B, N, 3 S, D)``: each chunk, the one before and the one after, in a ring."""
    return torch.cat([chunks, chunks.roll(1, dims=1), chunks.roll(-1, dims=1)], dim=2)
