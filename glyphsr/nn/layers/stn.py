"""Spatial transformer of the TSRN lineage: a small network places control points, a thin-plate spline straightens."""

import itertools
import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from glyphsr.config.trunk import StraightenedConfig


def regular_control_points(num_points: int, margin: float) -> Tensor:
    """Two horizontal rows of points, top then bottom, in [0, 1].

    Returns:
        ``(num_points, 2)`` float32, columns x and y.
    """
    per_row = num_points // 2
    x = torch.linspace(margin, 1.0 - margin, per_row, dtype=torch.float64)
    top = torch.stack([x, torch.full_like(x, margin)], dim=1)
    bottom = torch.stack([x, torch.full_like(x, 1.0 - margin)], dim=1)
    return torch.cat([top, bottom]).float()


def _radial_basis(points: Tensor, centres: Tensor) -> Tensor:
    """0.5 r^2 log r^2 between two sets of points, 0 at r = 0."""
    squared = (points[:, None, :] - centres[None, :, :]).square().sum(dim=2)
    return torch.where(squared > 0, 0.5 * squared * squared.clamp_min(1e-30).log(), torch.zeros_like(squared))


class ThinPlateSpline(nn.Module):
    """Samples an image along the thin-plate spline through given control points.

    Args:
        size: Output ``(height, width)`` in pixels.
        num_control_points: Control points, half of them on top.
        margin: Distance of the target points from the border, as a fraction of the image.
        align_corners: Meaning of the grid for :func:`torch.nn.functional.grid_sample`. The GlyphSR release asks for
            ``True``; ASTER's and TSRN's code does not say, which was ``True`` up to PyTorch 1.2 and ``False`` since.
    """

    inverse_kernel: Tensor
    padding_matrix: Tensor
    target_coordinate_repr: Tensor
    target_control_points: Tensor

    def __init__(
        self, size: tuple[int, int], *, num_control_points: int = 20, margin: float = 0.05, align_corners: bool = True
    ) -> None:
        super().__init__()
        self.size = size
        self.align_corners = align_corners
        height, width = size

        # The linear system of the spline, whose inverse turns source points into coefficients.
        points = regular_control_points(num_control_points, margin)
        n = num_control_points
        kernel = torch.zeros(n + 3, n + 3)
        kernel[:n, :n] = _radial_basis(points, points)
        kernel[:n, n] = kernel[n, :n] = 1.0
        kernel[:n, n + 1 :] = points
        kernel[n + 1 :, :n] = points.T

        # Every target pixel as a combination of the control points.
        y, x = torch.meshgrid(torch.arange(height) / (height - 1), torch.arange(width) / (width - 1), indexing="ij")
        coordinates = torch.stack([x.flatten(), y.flatten()], dim=1)  # (H * W, 2)
        representation = torch.cat(
            [_radial_basis(coordinates, points), torch.ones(height * width, 1), coordinates], dim=1
        )

        # In double precision: in single, the processor decides on the sixth digit of entries near 100 that cancel.
        # Without memory there is nothing to invert, and torch would take seconds to find that out.
        inverse = kernel if kernel.is_meta else torch.linalg.inv(kernel.double()).to(kernel.dtype)
        self.register_buffer("inverse_kernel", inverse)
        self.register_buffer("padding_matrix", torch.zeros(3, 2))
        self.register_buffer("target_coordinate_repr", representation)
        self.register_buffer("target_control_points", points)

    def forward(self, image: Tensor, control_points: Tensor) -> Tensor:
        """Warp ``image`` ``(B, C, h, w)`` so that ``control_points`` ``(B, n, 2)`` in [0, 1] land on the target ones.

        Returns:
            ``(B, C, *size)``; places outside the image are 0.
        """
        padding = self.padding_matrix.expand(len(image), 3, 2)
        # The inverse has entries near 100 that cancel: in half precision the grid would be off by many pixels.
        with torch.autocast(image.device.type, enabled=False):
            points = torch.cat([control_points.to(padding.dtype), padding], dim=1)
            mapping = self.inverse_kernel @ points  # (B, n + 3, 2)
            grid = (self.target_coordinate_repr @ mapping).clamp(0, 1).view(len(image), *self.size, 2)
            sampled = F.grid_sample(image.to(grid.dtype), 2 * grid - 1, align_corners=self.align_corners)
        return sampled.to(image.dtype)


class RowNorm(nn.BatchNorm1d):
    """Batch normalisation of rows; one row alone, which has no deviation, is normalised by the running statistics."""

    def forward(self, rows: Tensor) -> Tensor:
        """``(B, D)`` -> the same shape."""
        if self.training and len(rows) == 1:
            mean, variance = self.running_mean, self.running_var
            return F.batch_norm(rows, mean, variance, self.weight, self.bias, training=False, eps=self.eps)
        return super().forward(rows)


class ControlPointLocalizer(nn.Module):
    """Convolutional network that proposes control points for the spline.

    Source: ``stn_head`` of ASTER, TSRN and GlyphSR; an almost-identity at initialisation.

    Args:
        in_channels: Channels of the image.
        num_control_points: Points to propose.
        size: Image ``(height, width)``: 16 x 64 as in TPGSR, TATT and GlyphSR, or 32 x 64 as in ASTER and TSRN.

    Raises:
        ValueError: If ``size`` is neither.
    """

    WIDTHS = (32, 64, 128, 256, 256, 256)

    def __init__(self, in_channels: int, num_control_points: int = 20, *, size: tuple[int, int] = (16, 64)) -> None:
        super().__init__()
        if size not in ((16, 64), (32, 64)):
            raise ValueError(f"size: expected (16, 64) or (32, 64), got {size}")

        # Down to 1 x 2 either way, so that the linear layer sees 512 numbers.
        self.pools = (*[(2, 2)] * 4, (size[0] // 16, 2), None)
        channels = (in_channels, *self.WIDTHS)
        self.convs = nn.ModuleList(
            nn.Sequential(nn.Conv2d(i, o, kernel_size=3, padding=1), nn.BatchNorm2d(o), nn.ReLU())
            for i, o in itertools.pairwise(channels)
        )

        self.hidden = nn.Sequential(nn.Linear(512, 512), RowNorm(512), nn.ReLU())
        self.points = nn.Linear(512, 2 * num_control_points)

        for module in self.convs.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.normal_(module.weight, std=math.sqrt(2 / (9 * module.out_channels)))
                nn.init.zeros_(module.bias)  # type: ignore[arg-type]

        # Begin as the identity: points on their regular places whatever the picture shows.
        hidden = self.hidden[0]
        assert isinstance(hidden, nn.Linear)
        nn.init.normal_(hidden.weight, std=0.001)
        nn.init.zeros_(hidden.bias)
        nn.init.zeros_(self.points.weight)
        with torch.no_grad():
            self.points.bias.copy_(regular_control_points(num_control_points, margin=0.01).flatten())

    def forward(self, image: Tensor) -> Tensor:
        """``(B, C, *size)`` -> control points ``(B, n, 2)``, columns x and y, about [0, 1]."""
        x = image
        for conv, pool in zip(self.convs, self.pools, strict=True):
            x = conv(x)
            if pool:
                x = F.max_pool2d(x, pool)
        # The published head scales the hidden layer by 0.1, which keeps the first steps near the identity.
        return self.points(0.1 * self.hidden(x.flatten(1))).view(len(image), -1, 2)  # type: ignore[no-any-return]


class SpatialTransformer(nn.Module):
    """Localizer and spline together; straightens ``(B, C, 16, 64)`` images.

    Args:
        in_channels: Channels of the image.
        align_corners: How the image is sampled; torch <= 1.2 took the published code for true, newer ones for false.
        enlarge: Look at the image, and sample it, enlarged to 32 x 64, as TSRN does.
    """

    def __init__(self, in_channels: int, *, align_corners: bool = True, enlarge: bool = False) -> None:
        super().__init__()
        self.size = (32, 64) if enlarge else (16, 64)
        self.localizer = ControlPointLocalizer(in_channels, size=self.size)
        self.tps = ThinPlateSpline((16, 64), align_corners=align_corners)

    def forward(self, image: Tensor) -> Tensor:
        """``(B, C, 16, 64)`` -> the same shape, straightened."""
        if image.shape[-2:] != self.size:
            image = F.interpolate(image, size=self.size, mode="bilinear", align_corners=True)
        return self.tps(image, self.localizer(image))  # type: ignore[no-any-return]


def straightener(config: StraightenedConfig, *, enlarge: bool = False) -> SpatialTransformer | None:
    """The spatial transformer of a network that samples as today's torch understands its code, if it has one.

    Args:
        config: The network's shape.
        enlarge: See :class:`SpatialTransformer`.
    """
    return SpatialTransformer(config.image_channels, align_corners=False, enlarge=enlarge) if config.stn else None
