"""Graph attention by gradients: each patch takes features from patches with similar edges."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

PATCH = 7
"""Side of a patch."""

STRIDE = 4
"""Distance of the query patches; there is a key patch around every pixel."""

SHARPNESS = 10.0
"""Factor on the scores before the softmax."""


def gradient_magnitude(rgb: Tensor) -> Tensor:
    """Magnitude of each channel's gradient by central differences, with zeros outside the image.

    Args:
        rgb: ``(B, 3, h, w)``.

    Returns:
        ``(B, 3, h, w)``, at least 0.001.
    """
    padded = F.pad(rgb, (1, 1, 1, 1))
    vertical = padded[:, :, 2:, 1:-1] - padded[:, :, :-2, 1:-1]
    horizontal = padded[:, :, 1:-1, 2:] - padded[:, :, 1:-1, :-2]
    return (vertical.square() + horizontal.square() + 1e-6).sqrt()


def _pad_same(x: Tensor, stride: int) -> Tensor:
    """Pad ``(B, C, h, w)`` with zeros, so that patches begin at every ``stride``-th pixel."""
    pads: list[int] = []
    for length in (x.shape[3], x.shape[2]):
        # As TensorFlow's "same": the odd pixel goes after.
        total = max(0, (math.ceil(length / stride) - 1) * stride + PATCH - length)
        pads += [total // 2, total - total // 2]
    return F.pad(x, pads)


def _patches(x: Tensor, stride: int) -> Tensor:
    """``(B, C, h, w)`` -> ``(B, N, C PATCH^2)``."""
    return F.unfold(_pad_same(x, stride), PATCH, stride=stride).transpose(1, 2)


class GradientAttention(nn.Module):
    """Attention whose queries and keys are patches of the gradient; weak answers are cut off by a learned threshold.

    Source: ``xyzhu1/TSAN: model/network.py``, class ``GGAM``. As in the release, patches are put
    back at another offset than they were cut at.

    Args:
        width: Channels of the features, a multiple of 4.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        inner = width // 4
        features = inner * PATCH**2
        self.edges = nn.Conv2d(3, inner, 3, padding=1)
        self.values = nn.Conv2d(width, inner, 1)
        self.query = nn.Linear(features, features // 4)
        self.key = nn.Linear(features, features // 4)
        self.threshold = nn.Conv2d(width, 1, PATCH, stride=STRIDE)
        self.bias = nn.Conv2d(width, 1, PATCH, stride=STRIDE)

    def forward(self, x: Tensor, gradient: Tensor) -> Tensor:
        """Exchange features between patches.

        Args:
            x: Features ``(B, width, h, w)``.
            gradient: Of the picture, ``(B, 3, h, w)``.

        Returns:
            ``(B, width / 4, h, w)``.
        """
        edges, around = self.edges(gradient), _pad_same(x, STRIDE)
        queries = F.relu(self.query(_patches(edges, STRIDE)))  # (B, Q, D)
        keys = F.relu(self.key(_patches(edges, 1)))  # (B, P, D)
        scores = queries @ keys.transpose(1, 2)  # (B, Q, P)

        # Each query has its own threshold and bias, predicted from the features around it.
        threshold = self.threshold(around).flatten(1)[:, :, None]  # (B, Q, 1)
        bias = self.bias(around).flatten(1)[:, :, None]
        # How far a score is above the query's threshold; zero cuts the key off.
        strength = F.relu(scores - scores.mean(dim=2, keepdim=True) * threshold + bias)
        weights = (SHARPNESS * scores * strength).softmax(dim=2) * (strength != 0)

        # Where patches overlap, the result is their mean.
        mixed = (weights @ _patches(self.values(x), 1)).transpose(1, 2)  # (B, width / 4 PATCH^2, Q)
        size = (x.shape[2], x.shape[3])
        return _put_back(mixed, size) / _put_back(torch.ones_like(mixed), size)


def _put_back(patches: Tensor, size: tuple[int, int]) -> Tensor:
    """Add up patches ``(B, C PATCH^2, Q)`` where they lie: ``(B, C, *size)``."""
    return F.fold(patches, size, PATCH, padding=PATCH // 2, stride=STRIDE)


class GradientAttentions(nn.Module):
    """Four gradient attentions on the same image, whose outputs are concatenated."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.heads = nn.ModuleList(GradientAttention(width) for _ in range(4))

    def forward(self, x: Tensor, picture: Tensor) -> Tensor:
        """``(B, width, h, w)`` and ``(B, C, h, w)``, RGB first -> ``(B, width, h, w)``."""
        gradient = gradient_magnitude(picture[:, :3])
        return torch.cat([head(x, gradient) for head in self.heads], dim=1)
