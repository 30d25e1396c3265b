"""Runs SAM's image encoder on a whole canvas or on a part of it, with the published weights.

Two things differ from the published forward, neither in its result: the attention over the whole picture goes in pieces
that fit a processor's cache, and windows of nothing but padding are computed once per network, not once per picture, in
the blocks before the first attention over the whole picture, since until then no picture has any influence on them.
"""

from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from segment_anything.modeling import ImageEncoderViT
from torch import Tensor

from glyphsr.sam.shape import SamShape

QUERY_ROWS = 256
"""Queries per piece of the attention over the whole picture."""


def relative_rows(table: Tensor, size: int, full: int) -> Tensor:
    """Relative position vectors between ``size`` places: the middle of the table for a full axis.

    A shorter axis takes the vectors of the distances that occur on it; SAM's own code would stretch the table instead,
    which changes what every distance means.

    Args:
        table: ``(2 full - 1, d)``.
        size: Places on the axis, at most ``full``.
        full: Places that the table was trained for.

    Returns:
        ``(size, size, d)``: from each query to each key.
    """
    places = torch.arange(size, device=table.device)
    return table[places[:, None] - places[None, :] + full - 1]


def _position_bias(attention: Any, query: Tensor, rows: int, columns: int, full: int) -> tuple[Tensor, Tensor]:
    """Bias of each query by row and by column of the key: ``(n, q, rows)`` and ``(n, q, columns)``."""
    # Decomposed: a bias by row plus a bias by column, each from the query's own vector.
    by_row = relative_rows(attention.rel_pos_h, rows, full).to(query.dtype)
    by_column = relative_rows(attention.rel_pos_w, columns, full).to(query.dtype)

    grid = query.view(len(query), rows, columns, -1)
    row_bias = torch.einsum("nrcd,rkd->nrck", grid, by_row).flatten(1, 2)
    column_bias = torch.einsum("nrcd,ckd->nrck", grid, by_column).flatten(1, 2)
    return row_bias, column_bias


def _attend(attention: Any, x: Tensor, full: int) -> Tensor:
    """One attention with relative positions over ``(B, rows, columns, C)``."""
    batch, rows, columns, _ = x.shape
    heads: int = attention.num_heads

    qkv = attention.qkv(x).view(batch, rows * columns, 3, heads, -1)
    query, key, value = qkv.permute(2, 0, 3, 1, 4).flatten(1, 2)  # (B heads, rows columns, d) each
    row_bias, column_bias = _position_bias(attention, query, rows, columns, full)

    # In pieces of queries: scores of all places with all would not fit into the caches.
    key = key.transpose(1, 2).contiguous()
    scaled = query * attention.scale
    mixed = torch.empty_like(query)
    for start in range(0, rows * columns, QUERY_ROWS):
        piece = slice(start, start + QUERY_ROWS)
        scores = torch.bmm(scaled[:, piece], key).view(len(query), -1, rows, columns)
        scores += row_bias[:, piece, :, None]
        scores += column_bias[:, piece, None, :]
        mixed[:, piece] = torch.bmm(scores.flatten(2).softmax(dim=2), value)

    # Heads side by side again: (B, rows, columns, C).
    merged = mixed.view(batch, heads, rows, columns, -1).permute(0, 2, 3, 1, 4).flatten(3)
    result: Tensor = attention.proj(merged)
    return result


def _to_windows(x: Tensor, window: int) -> Tensor:
    """``(B, rows, columns, C)`` to ``(B, down, across, window, window, C)``, zeros where they stick out."""
    _, rows, columns, _ = x.shape
    x = F.pad(x, (0, 0, 0, -columns % window, 0, -rows % window))
    down, across = x.shape[1] // window, x.shape[2] // window
    return x.view(len(x), down, window, across, window, -1).permute(0, 1, 3, 2, 4, 5)


def _from_windows(windows: Tensor, rows: int, columns: int) -> Tensor:
    return windows.permute(0, 1, 3, 2, 4, 5).flatten(3, 4).flatten(1, 2)[:, :rows, :columns]


@dataclass(eq=False)
class CanvasEncoder:
    """The encoder of one network on one device.

    Args:
        network: With the published weights, in eval mode.
        shape: Its sizes.
    """

    network: ImageEncoderViT
    shape: SamShape
    _idle: dict[tuple[int, int, torch.dtype], Tensor] = field(default_factory=dict)
    """What the windowed blocks before the first global one make of padding, by first row, width and type."""

    def encode(self, pixels: Tensor, *, content_rows: int | None = None) -> Tensor:
        """Embed pictures.

        Args:
            pixels: ``(B, 3, h, w)`` standardised, both sides multiples of the patch and at most the canvas's.
            content_rows: Upper rows of patches that hold anything but zeros, where the rest is padding.

        Returns:
            ``(B, D, h / patch, w / patch)``.
        """
        network = self.network
        x = network.patch_embed(pixels)  # (B, rows, columns, C)
        rows, columns = x.shape[1:3]
        assert network.pos_embed is not None
        x = x + network.pos_embed[:, :rows, :columns]
        # Without padding below, every row has to be computed.
        if content_rows is None or content_rows >= rows:
            return self._blocks(x, 0)

        # Before the first global block windows do not see each other: those of padding alone are known.
        lead = min(self.shape.global_blocks, default=0)
        if not lead:
            return self._blocks(x, 0)

        first = -(-content_rows // self.shape.window) * self.shape.window  # after the last window with anything in it
        if first >= rows:
            return self._blocks(x, 0)

        idle = self._idle_rows(x, lead, first)
        upper = x[:, :first]
        for block in list(network.blocks)[:lead]:
            upper = self._block(block, upper)

        return self._blocks(torch.cat([upper, idle.expand(len(x), -1, -1, -1)], dim=1), lead)

    def _idle_rows(self, x: Tensor, lead: int, first: int) -> Tensor:
        """The rows of padding from ``first`` on, after the leading windowed blocks."""
        key = (first, x.shape[2], x.dtype)
        if key not in self._idle:
            lower = x[:1, first:]  # the same for every picture: zeros embedded, and positions
            for block in list(self.network.blocks)[:lead]:
                lower = self._block(block, lower)
            self._idle[key] = lower.detach()
        return self._idle[key]

    def _block(self, block: Any, x: Tensor) -> Tensor:
        rows, columns = x.shape[1:3]

        normed = block.norm1(x)
        window: int = block.window_size
        attention = block.attn

        # Windowed blocks see a window of patches at a time, global ones the whole grid.
        if window:
            windows = _to_windows(normed, window)
            attended = _attend(attention, windows.flatten(0, 2), window)
            attended = _from_windows(attended.view(windows.shape), rows, columns)
        else:
            attended = _attend(attention, normed, self.shape.grid)

        x = x + attended
        result: Tensor = x + block.mlp(block.norm2(x))
        return result

    def _blocks(self, x: Tensor, first: int) -> Tensor:
        for block in list(self.network.blocks)[first:]:
            x = self._block(block, x)
        features: Tensor = self.network.neck(x.permute(0, 3, 1, 2))
        return features
