"""Turns a text prior whose steps are places along the line into a feature map of the picture's size."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

ROWS = 16
"""Rows of the drawn map; the picture's height is interpolated from them."""

COLUMNS = 2
"""Columns drawn for each step."""


class AlignedPrior(nn.Module):
    """Draws each step's characters as a column of features, seeing its neighbours on the line.

    Where the prior says for every step whose ink it is on, a glyph's place and width are read from that; nothing has to
    be searched along the line, as :class:`PriorTransformer` has to.

    Args:
        num_classes: Classes K of the text prior.
        hidden: Channels of the two convolutions along the line.
        out_channels: Channels of the result, the paper's C_tp.
    """

    def __init__(self, num_classes: int, hidden: tuple[int, int], out_channels: int) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.out_channels = out_channels
        first, second = hidden
        self.conv1 = nn.Conv1d(num_classes, first, 5, padding=2)
        self.conv2 = nn.Conv1d(first, second, 5, padding=2)
        self.draw = nn.Conv1d(second, out_channels * ROWS * COLUMNS, 3, padding=1)

    def forward(self, prior: Tensor, features: Tensor) -> Tensor:
        """Spread the prior over the image.

        Args:
            prior: ``(B, K, 1, T)`` class probabilities.
            features: ``(B, C, h, w)``, of which only the size matters.

        Returns:
            ``(B, out_channels, h, w)``.
        """
        x = F.relu(self.conv2(F.relu(self.conv1(prior.squeeze(2)))))
        drawn = self.draw(x)  # (B, out_channels * ROWS * COLUMNS, T)
        batch, _, steps = drawn.shape
        # Channels become pixels: each step a block of 16 x 2, side by side. (B, C, 16, 2 T)
        grid = drawn.view(batch, self.out_channels, ROWS, COLUMNS, steps).transpose(3, 4)
        grid = grid.reshape(batch, self.out_channels, ROWS, COLUMNS * steps)
        return F.interpolate(grid, size=features.shape[-2:], mode="bilinear", align_corners=False)


def expand_classes(weight: Tensor, charset: str, into: str) -> Tensor:
    """The first convolution's weight for a prior over more characters; it does not see the new ones at first.

    Args:
        weight: ``(C, 2 S, k)`` for two heads of S classes each, the blank and the characters of ``charset``.
        charset: Characters of the prior that it was trained with.
        into: Characters of the new prior; those of ``charset`` are among them.

    Returns:
        ``(C, 2 S', k)``.

    Raises:
        ValueError: If a character is missing in the new prior.
    """
    if not set(charset) <= set(into):
        raise ValueError(f"expected a prior that knows {sorted(set(charset) - set(into))[0]!r}, too")
    # Class 0 is the blank in both. A prior of two heads has its classes twice.
    places = [0, *(into.index(char) + 1 for char in charset)]
    heads = []
    for head in weight.chunk(2, dim=1):
        wider = head.new_zeros(head.shape[0], len(into) + 1, head.shape[2])
        wider[:, places] = head
        heads.append(wider)
    return torch.cat(heads, dim=1)
