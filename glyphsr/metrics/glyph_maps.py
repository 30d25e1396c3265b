"""How well predicted glyph maps are the glyphs' masks: IoU, and squared error beside that of a map of zeros."""

from dataclasses import astuple, dataclass

import torch
from torch import Tensor

from glyphsr.metrics.psnr import check_shapes

FOREGROUND = 0.5
"""Value from which a pixel of a map or of a mask belongs to the glyph."""


@dataclass(frozen=True)
class MapSums:
    """Sums over words, which add up over batches and processes."""

    words: float = 0.0
    """Words with masks."""
    glyphs: float = 0.0
    """Masks that cover a pixel at least by half, so that they have an IoU."""
    iou: float = 0.0
    """Sum of their IoU."""
    error: float = 0.0
    """Sum over words of the mean squared error over all maps."""
    zero_error: float = 0.0
    """The same of maps of zeros."""

    def __add__(self, other: "MapSums") -> "MapSums":
        return MapSums(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    def scores(self, name: str) -> dict[str, float]:
        """Means ``NAME_iou``, ``NAME_mse`` and ``NAME_zero_mse``; none without words.

        A mean squared error above that of zeros says that the maps are worse than none.

        Example:
            >>> MapSums(words=2, glyphs=10, iou=5, error=0.02, zero_error=0.04).scores("char")
            {'char_iou': 0.5, 'char_mse': 0.01, 'char_zero_mse': 0.02}
        """
        if not self.words:
            return {}
        return {
            f"{name}_iou": self.iou / max(1.0, self.glyphs),
            f"{name}_mse": self.error / self.words,
            f"{name}_zero_mse": self.zero_error / self.words,
        }


def mask_iou(maps: Tensor, masks: Tensor) -> Tensor:
    """Intersection over union of maps and masks, both taken as foreground from 0.5 on.

    Args:
        maps: ``(..., h, w)`` raw maps.
        masks: Same shape, in [0, 1].

    Returns:
        ``(...)`` float64; ``nan`` where the mask has no foreground.

    Raises:
        ValueError: If the shapes differ.

    Example:
        >>> round(mask_iou(torch.tensor([[1.0, 1.0, 0.0]]), torch.tensor([[0.0, 1.0, 1.0]])).item(), 3)
        0.333
    """
    check_shapes(maps, masks)
    seen, true = (maps >= FOREGROUND).flatten(-2), (masks >= FOREGROUND).flatten(-2)  # (B, L, h * w)
    both, either = (seen & true).sum(-1).double(), (seen | true).sum(-1).double()
    return torch.where(true.any(-1), both / either.clamp(min=1), torch.nan)


def map_sums(maps: Tensor, masks: Tensor) -> MapSums:
    """Sums over the words of a batch that have masks.

    Args:
        maps: ``(B, L, h, w)`` raw maps; L is 1 for the line.
        masks: Same shape, in [0, 1]; zero in the slots without a character.

    Raises:
        ValueError: If the shapes differ.
    """
    # A mask without foreground has no IoU, so it is in no mean.
    iou = mask_iou(maps, masks)
    known = ~iou.isnan()
    error = (maps.double() - masks).square().flatten(1).mean(1).sum()
    # The error of a map of zeros is what any map has to beat.
    zero_error = masks.double().square().flatten(1).mean(1).sum()
    return MapSums(float(len(maps)), float(known.sum()), float(iou[known].sum()), float(error), float(zero_error))
