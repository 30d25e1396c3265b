"""Wave-MLP's block: features mix along rows and columns as waves with an amplitude and a phase."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class _PointwiseMLP(nn.Module):
    """Two 1x1 convolutions with GELU between."""

    def __init__(self, width: int, hidden: int, out: int) -> None:
        super().__init__()
        self.expand = nn.Conv2d(width, hidden, 1)
        self.reduce = nn.Conv2d(hidden, out, 1)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, width, h, w)`` -> ``(B, out, h, w)``."""
        return self.reduce(F.gelu(self.expand(x)))  # type: ignore[no-any-return]


class WaveAxis(nn.Module):
    """Mixes each channel along one axis, its amplitude split by its phase into a cosine and a sine part.

    Args:
        width: Channels.
        kernel: Reach of the mixing, ``(rows, columns)``.
    """

    def __init__(self, width: int, kernel: tuple[int, int]) -> None:
        super().__init__()
        self.amplitude = nn.Conv2d(width, width, 1, bias=False)
        self.phase = nn.Sequential(nn.Conv2d(width, width, 1), nn.BatchNorm2d(width), nn.ReLU())
        padding = (kernel[0] // 2, kernel[1] // 2)
        self.mix = nn.Conv2d(2 * width, width, kernel, padding=padding, groups=width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, width, h, w)`` -> the same shape."""
        amplitude, phase = self.amplitude(x), self.phase(x)
        wave = torch.stack([amplitude * phase.cos(), amplitude * phase.sin()], dim=2)  # (B, width, 2, h, w)
        return self.mix(wave.flatten(1, 2))  # type: ignore[no-any-return]


class PhaseAwareMixing(nn.Module):
    """Rows, columns and channels mixed apart, then weighed against each other."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.rows = WaveAxis(width, (1, 7))
        self.columns = WaveAxis(width, (7, 1))
        self.channels = nn.Conv2d(width, width, 1, bias=False)
        self.reweight = _PointwiseMLP(width, width // 4, 3 * width)
        self.project = nn.Conv2d(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, width, h, w)`` -> the same shape."""
        parts = torch.stack([self.rows(x), self.columns(x), self.channels(x)], dim=2)  # (B, width, 3, h, w)
        mean = parts.sum(dim=2).mean(dim=(2, 3), keepdim=True)  # (B, width, 1, 1)
        weights = self.reweight(mean).unflatten(1, (-1, 3)).softmax(dim=2)  # (B, width, 3, 1, 1)
        return self.project((parts * weights).sum(dim=2))  # type: ignore[no-any-return]


class WaveBlock(nn.Module):
    """Phase-aware mixing, then a feed-forward part, each after a norm and beside its input.

    Source: ``wenyu1009/RTSRN: model/rtsrn.py``, after Wave-MLP (Tang et al., CVPR 2022).

    Args:
        width: Channels, a multiple of 4.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(width)
        self.mixing = PhaseAwareMixing(width)
        self.norm2 = nn.BatchNorm2d(width)
        self.feed_forward = _PointwiseMLP(width, 2 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, width, h, w)`` -> the same shape."""
        x = x + self.mixing(self.norm1(x))
        return x + self.feed_forward(self.norm2(x))  # type: ignore[no-any-return]
