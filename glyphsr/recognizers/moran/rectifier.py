"""MORN: moves rows of pixels up and down so that a curved word becomes straight."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

START = 0.02
"""Offsets of a fresh rectifier, in half heights. Those of a fresh normalisation would be of half a height, and shred
the pictures that the recognizer is to learn from; at 0 nothing would be learned."""


class Rectifier(nn.Module):
    """Predicts vertical offsets on a coarse grid and samples the picture there, then once more.

    Source: ``Canjie-Luo/MORAN_v2: models/morn.py`` in test mode, with one enhancement pass.

    Args:
        align_corners: How pictures are sampled; see :class:`glyphsr.config.recognizers.MORANConfig`.
    """

    PASSES = 2

    def __init__(self, *, align_corners: bool) -> None:
        super().__init__()
        self.align_corners = align_corners
        layers: list[nn.Module] = [nn.MaxPool2d(2)]
        for i, o, pooled in ((1, 64, True), (64, 128, True), (128, 64, False), (64, 16, False), (16, 1, False)):
            layers += [nn.Conv2d(i, o, kernel_size=3, padding=1), nn.BatchNorm2d(o)]
            layers += [nn.ReLU()] if o > 1 else []
            layers += [nn.MaxPool2d(2)] if pooled else []
        self.cnn = nn.Sequential(*layers)  # the published indices
        # The last normalisation decides how far a fresh rectifier moves pixels.
        scale = self.cnn[-1].weight
        assert isinstance(scale, nn.Parameter)
        nn.init.constant_(scale, START)

    def _sample(self, image: Tensor, grid: Tensor) -> Tensor:
        return F.grid_sample(image, grid, align_corners=self.align_corners)

    def _offsets(self, image: Tensor, grid: Tensor) -> Tensor:
        """Vertical offsets of every pixel, ``(B, H, W)``, in half heights."""
        offsets = self.cnn(image)  # (B, 1, H / 8, W / 8)
        # Both signs are pooled apart, as published: the greatest shift in either direction counts.
        up, down = (F.max_pool2d(F.relu(sign * offsets), kernel_size=2, stride=1) for sign in (1, -1))
        return (self._sample(up, grid) - self._sample(down, grid)).squeeze(1)

    def forward(self, gray: Tensor) -> Tensor:
        """``(B, 1, 32, 100)`` -> the same shape, straightened."""
        height, width = gray.shape[-2:]
        y, x = torch.meshgrid(
            torch.linspace(-1, 1, height, device=gray.device),
            torch.linspace(-1, 1, width, device=gray.device),
            indexing="ij",
        )

        regular = torch.stack([x, y], dim=2).to(gray.dtype).expand(len(gray), -1, -1, -1)  # (B, H, W, 2)

        # Offsets of the second pass are found in the straightened picture and added to the first ones.
        total = gray.new_zeros(len(gray), height, width)
        rectified = gray

        for _ in range(self.PASSES):
            total = total + self._offsets(rectified, regular)
            shifted = torch.stack([regular[..., 0], regular[..., 1] + total], dim=3)
            rectified = self._sample(gray, shifted)  # always the given picture, so that nothing is resampled twice

        return rectified
