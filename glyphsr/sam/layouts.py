"""How pictures lie on SAM's canvas."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from glyphsr.sam.shape import PIXEL_MEAN, PIXEL_STD, SamShape

Layout = Literal["padded", "mosaic", "crop"]
MOSAIC_ROWS = 4
"""Pictures on one canvas of a mosaic: lines of the paper's aspect fill a quarter each."""


@dataclass(frozen=True)
class Placement:
    """Where one picture lies."""

    canvas: int
    """Which of the canvases."""
    top: int
    """First row in pixels, a multiple of the patch."""
    height: int
    width: int
    """Size on the canvas in pixels."""
    size: tuple[int, int]
    """``(height, width)`` of the picture itself."""

    def rows(self, patch: int) -> slice:
        """Rows of patches that it touches."""
        return slice(self.top // patch, (self.top + self.height + patch - 1) // patch)

    def columns(self, patch: int) -> slice:
        """Columns of patches that it touches."""
        return slice(0, (self.width + patch - 1) // patch)

    def points(self, points: Tensor) -> Tensor:
        """Points ``(M, 2)``, ``(x, y)`` in the picture, on the canvas; scaled by the sides as SAM's transform does."""
        height, width = self.size
        scale = points.new_tensor([self.width / width, self.height / height])
        return points * scale + points.new_tensor([0.0, float(self.top)])


def place(sizes: Sequence[tuple[int, int]], layout: Layout, shape: SamShape) -> list[Placement]:
    """Lay pictures out.

    Args:
        sizes: ``(height, width)`` of each.
        layout: ``padded`` and ``crop``: one picture a canvas, its longer side as long as the canvas, at the upper
            left, as SAM does. ``mosaic``: four pictures one above the other.
        shape: Gives the canvas.
    """
    side = shape.canvas
    # Strips begin at patches, so that none is shared by two pictures.
    strip = side // MOSAIC_ROWS // shape.patch * shape.patch
    placements = []

    for i, (height, width) in enumerate(sizes):
        if layout == "mosaic":
            scale = min(side / width, strip / height)
            canvas, top = i // MOSAIC_ROWS, i % MOSAIC_ROWS * strip
        else:
            scale = side / max(height, width)
            canvas, top = i, 0

        scaled = [max(1, math.floor(length * scale + 0.5)) for length in (height, width)]
        placements.append(Placement(canvas, top, scaled[0], scaled[1], (height, width)))

    return placements


def draw(images: Sequence[NDArray[np.uint8]], placements: Sequence[Placement], shape: SamShape) -> Tensor:
    """Canvases ``(n, 3, side, side)`` float32: pictures resized (bilinear, PIL), standardised, zeros around them."""
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (PIXEL_MEAN, PIXEL_STD))
    canvases = torch.zeros(1 + max(p.canvas for p in placements), 3, shape.canvas, shape.canvas)
    for image, p in zip(images, placements, strict=True):
        resized = Image.fromarray(image).resize((p.width, p.height), Image.Resampling.BILINEAR)

        pixels = torch.from_numpy(np.array(resized)).permute(2, 0, 1).float()
        canvases[p.canvas, :, p.top : p.top + p.height, : p.width] = (pixels - mean) / std
    return canvases
