"""The recurrent half of a Sequential Residual Block: 1x1 convolution, then a bidirectional GRU along one axis."""

from typing import Literal

import torch
from torch import Tensor, nn

from glyphsr.nn.layers.bidirectional_gru import run_both_directions
from glyphsr.nn.tracing import is_tracing


class GRUBlock(nn.Module):
    """Mixes channels with a 1x1 convolution and runs a bidirectional GRU along the height or the width.

    Source: TSRN's GRU block (``WenjiaWang0312/TextZoom: src/model/tsrn.py``).

    Args:
        in_channels: Channels that come in.
        out_channels: Channels that go out, even; half of them per direction.
        axis: ``"vertical"`` runs along h (one sequence per column), ``"horizontal"`` along w (one per row).
        project: Whether the convolution is there; without it as many channels come in as go out.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        axis: Literal["vertical", "horizontal"],
        project: bool = True,
    ) -> None:
        super().__init__()
        if out_channels % 2:
            raise ValueError(f"out_channels: expected an even number, got {out_channels}")
        self.axis = axis
        self.project = nn.Conv2d(in_channels, out_channels, kernel_size=1) if project else nn.Identity()
        self.gru = nn.GRU(out_channels, out_channels // 2, batch_first=True, bidirectional=True)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, in_channels, h, w)`` -> ``(B, out_channels, h, w)``."""
        # torch's own layer is the quicker one on GPUs, and the one that has derivatives and a form in ONNX.
        if torch.is_grad_enabled() or not _is_plain(x) or is_tracing():
            return self._by_torch(x)

        projection = self.project if isinstance(self.project, nn.Conv2d) else None
        time_first = (2, 0, 3, 1) if self.axis == "vertical" else (3, 0, 2, 1)  # lines are columns, or rows
        y = run_both_directions(self.gru, x.permute(time_first), projection)  # (steps, B, lines, out_channels)
        return y.permute((1, 3, 0, 2) if self.axis == "vertical" else (1, 3, 2, 0))

    def _by_torch(self, x: Tensor) -> Tensor:
        x = self.project(x)
        x = x.permute(0, 3, 2, 1) if self.axis == "vertical" else x.permute(0, 2, 3, 1)
        batch, lines, steps, channels = x.shape  # a line is a column (vertical) or a row (horizontal)
        out, _ = self.gru(x.reshape(batch * lines, steps, channels))
        y: Tensor = out.reshape(batch, lines, steps, channels)
        return y.permute(0, 3, 2, 1) if self.axis == "vertical" else y.permute(0, 3, 1, 2)


def _is_plain(x: Tensor) -> bool:
    """Whether values are computed on the CPU as they are."""
    return x.device.type == "cpu" and x.dtype == torch.float32 and not torch.is_autocast_enabled("cpu")
