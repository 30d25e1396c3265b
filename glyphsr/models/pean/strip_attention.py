"""Attention along strips of the picture: within its rows and columns, then between them."""

from abc import abstractmethod
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def _attend(parts: Sequence[Tensor], heads: int) -> Tensor:
    """Self-attention of queries, keys and values ``(B, S, D)``, D split into heads of consecutive values."""
    batch, steps, width = parts[0].shape
    queries, keys, values = (part.reshape(batch, steps, heads, -1).transpose(1, 2) for part in parts)
    out = F.scaled_dot_product_attention(queries, keys, values)  # (B, heads, S, D / heads)
    return out.transpose(1, 2).reshape(batch, steps, width)


class StripBlock(nn.Module):
    """Attention along rows and along columns, fused; then a feed-forward part on each place.

    Args:
        width: Channels.
        heads: Attention heads.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(width)
        self.prepare = nn.Conv2d(width, width, 1)
        self.fuse = nn.Conv2d(2 * width, width, 1)
        self.norm2 = nn.LayerNorm(width)
        self.expand = nn.Linear(width, 4 * width)
        self.reduce = nn.Linear(4 * width, width)

    @abstractmethod
    def strips(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """``(B, width, h, w)`` -> what rows and what columns attend to, each of the same shape."""

    def forward(self, x: Tensor) -> Tensor:
        """``(B, width, h, w)`` -> the same shape."""
        # Layer norm over channels, which it expects last.
        normed = self.norm1(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        x = x + self.fuse(torch.cat(self.strips(self.prepare(normed)), dim=1))

        places = x.permute(0, 2, 3, 1)  # (B, h, w, width)
        places = places + self.reduce(F.gelu(self.expand(self.norm2(places))))
        return places.permute(0, 3, 1, 2)  # type: ignore[no-any-return]


class WithinStrips(StripBlock):
    """Pixels attend to those of their row, and to those of their column."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__(width, heads)
        self.rows = nn.Linear(width, 3 * width)
        self.columns = nn.Linear(width, 3 * width)

    def strips(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """As :meth:`StripBlock.strips`."""
        rows = self._along(x, self.rows)
        columns = self._along(x.transpose(2, 3), self.columns)
        return rows, columns.transpose(2, 3)

    def _along(self, x: Tensor, project: nn.Linear) -> Tensor:
        batch, width, lines, steps = x.shape
        # A line is a sequence of its own: (B * lines, steps, width).
        tokens = x.permute(0, 2, 3, 1).reshape(batch * lines, steps, width)
        out = _attend(project(tokens).chunk(3, dim=2), self.heads)
        return out.view(batch, lines, steps, width).permute(0, 3, 1, 2)


class BetweenStrips(StripBlock):
    """Whole rows attend to rows, and whole columns to columns."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__(width, heads)
        self.rows = nn.Conv2d(width, 3 * width, 1)
        self.columns = nn.Conv2d(width, 3 * width, 1)

    def strips(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """As :meth:`StripBlock.strips`."""
        rows = self._between(self.rows(x))
        columns = self._between(self.columns(x).transpose(2, 3))
        return rows, columns.transpose(2, 3)

    def _between(self, x: Tensor) -> Tensor:
        """``(B, 3 width, lines, steps)``: a token is a line, its channels one after the other."""
        batch, tripled, lines, steps = x.shape
        parts = [part.transpose(1, 2).flatten(2) for part in x.chunk(3, dim=1)]  # (B, lines, width steps)
        out = _attend(parts, self.heads)
        return out.view(batch, lines, tripled // 3, steps).transpose(1, 2)


class StripStack(nn.Module):
    """Pairs of strip blocks, each of which sees the interpreted text prior beside the features.

    Source: ``jdfxzzy/PEAN: model/amm.py``.

    Args:
        width: Channels of trunk and guidance, a multiple of ``heads``.
        heads: Attention heads.
        num_pairs: Pairs of blocks.
    """

    def __init__(self, width: int, heads: int, num_pairs: int) -> None:
        super().__init__()
        self.merges = nn.ModuleList(nn.Conv2d(2 * width, width, 1) for _ in range(num_pairs))
        self.within = nn.ModuleList(WithinStrips(width, heads) for _ in range(num_pairs))
        self.between = nn.ModuleList(BetweenStrips(width, heads) for _ in range(num_pairs))

    def forward(self, x: Tensor, guidance: Tensor) -> Tensor:
        """``(B, width, h, w)`` twice -> the same shape."""
        y = x
        for merge, within, between in zip(self.merges, self.within, self.between, strict=True):
            y = between(within(merge(torch.cat([y, guidance], dim=1))))
        return x + y
