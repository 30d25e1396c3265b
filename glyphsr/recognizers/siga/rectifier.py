"""SIGA's rectifier: a thin-plate spline whose control points a small network places."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

NUM_POINTS = 20
"""Control points, half of them on top."""

EPSILON = 1e-6
"""Added to distances of pixels under the logarithm."""


def _target_points() -> Tensor:
    """``(20, 2)`` float64: where the points come to lie, x and y in [-1, 1], top row then bottom row."""
    x = torch.linspace(-1.0, 1.0, NUM_POINTS // 2, dtype=torch.float64)
    return torch.cat([torch.stack([x, torch.full_like(x, y)], dim=1) for y in (-1.0, 1.0)])


def _inverse_kernel(points: Tensor) -> Tensor:
    """``(n, 2)`` -> inverse of the spline's matrix, ``(n + 3, n + 3)``: constant, x, y, then the radial part."""
    n = len(points)
    distance = torch.cdist(points, points).fill_diagonal_(1.0)  # whose logarithm is 0
    # Rows: what each point has to hit, then that the radial part adds neither shift nor slope.
    matrix = torch.zeros(n + 3, n + 3, dtype=torch.float64)
    matrix[:n, 0] = 1.0
    matrix[:n, 1:3] = points
    matrix[:n, 3:] = distance.square() * distance.log()
    matrix[n : n + 2, 3:] = points.T
    matrix[n + 2, 3:] = 1.0
    return torch.linalg.inv(matrix)  # type: ignore[no-any-return]


def _pixel_terms(points: Tensor, size: tuple[int, int]) -> Tensor:
    """``(h * w, n + 3)``: the spline's terms at the centre of each pixel, row by row."""
    height, width = size
    # Pixel centres in [-1, 1].
    y = (2 * torch.arange(height, dtype=torch.float64) + 1) / height - 1
    x = (2 * torch.arange(width, dtype=torch.float64) + 1) / width - 1
    rows, columns = torch.meshgrid(y, x, indexing="ij")
    places = torch.stack([columns.flatten(), rows.flatten()], dim=1)

    distance = torch.cdist(places, points)
    radial = distance.square() * (distance + EPSILON).log()
    return torch.cat([torch.ones(len(places), 1, dtype=torch.float64), places, radial], dim=1)


class Localizer(nn.Module):
    """Places the control points: ``(B, 3, h, w)`` -> ``(B, 20, 2)``, x and y in [-1, 1]."""

    WIDTHS = (64, 128, 256, 512)

    def __init__(self) -> None:
        super().__init__()

        self.convs = nn.ModuleList()
        channels = 3
        for width in self.WIDTHS:
            conv = nn.Conv2d(channels, width, kernel_size=3, padding=1, bias=False)
            self.convs.append(nn.Sequential(conv, nn.BatchNorm2d(width), nn.ReLU()))
            channels = width

        self.hidden = nn.Linear(512, 256)
        self.points = nn.Linear(256, 2 * NUM_POINTS)

        nn.init.zeros_(self.points.weight)
        x = torch.linspace(-1.0, 1.0, NUM_POINTS // 2)
        # The published start: the text band narrows from the left of the top row to the right, and mirrored below.
        top = torch.stack([x, torch.linspace(0.0, -1.0, NUM_POINTS // 2)], dim=1)
        bottom = torch.stack([x, torch.linspace(1.0, 0.0, NUM_POINTS // 2)], dim=1)
        with torch.no_grad():
            self.points.bias.copy_(torch.cat([top, bottom]).flatten())

    def forward(self, image: Tensor) -> Tensor:
        """Control points of a picture."""
        x = image
        for number, conv in enumerate(self.convs, start=1):
            x = conv(x)
            x = F.max_pool2d(x, 2) if number < len(self.convs) else x.mean(dim=(2, 3))
        return self.points(F.relu(self.hidden(x))).view(len(image), NUM_POINTS, 2)  # type: ignore[no-any-return]


class Rectifier(nn.Module):
    """Straightens pictures, and whatever lies on the same pixels.

    Source: ``TongkunGuan/SIGA: SIGA_R/modules/transformation.py``, after the TPS of ``clovaai/deep-text-recognition``.

    Args:
        size: ``(height, width)`` of pictures before and after.
    """

    inverse_kernel: Tensor
    pixel_terms: Tensor

    def __init__(self, size: tuple[int, int]) -> None:
        super().__init__()
        self.size = size
        self.localizer = Localizer()
        points = _target_points()
        self.register_buffer("inverse_kernel", _inverse_kernel(points).float())
        self.register_buffer("pixel_terms", _pixel_terms(points, size).float())

    def grid(self, image: Tensor) -> Tensor:
        """Where each straight pixel comes from: ``(B, 3, h, w)`` -> ``(B, h, w, 2)``, x and y in [-1, 1]."""
        points = self.localizer(image)
        padded = torch.cat([points, points.new_zeros(len(points), 3, 2)], dim=1)  # (B, n + 3, 2)
        # Coefficients of the spline, then its value at each pixel.
        places = self.pixel_terms @ (self.inverse_kernel @ padded)
        return places.view(len(image), *self.size, 2)

    def forward(self, image: Tensor) -> Tensor:
        """``(B, 3, h, w)`` -> the same size, straightened."""
        return sample(image, self.grid(image))


def sample(image: Tensor, grid: Tensor) -> Tensor:
    """Pictures or maps ``(B, C, h, w)`` at the places of a grid ``(B, h, w, 2)``, borders repeated."""
    return F.grid_sample(image, grid, padding_mode="border", align_corners=True)
