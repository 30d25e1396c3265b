"""Learned doubling of the resolution."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from glyphsr.nn.layers.mish import mish


class PixelShuffleUpsampler(nn.Module):
    """3x3 convolution to four times the channels, pixel shuffle by 2, mish.

    Source: TSRN's up-sample block (``WenjiaWang0312/TextZoom: src/model/tsrn.py``).
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, 4 * width, kernel_size=3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, width, h, w)`` -> ``(B, width, 2h, 2w)``."""
        return F.pixel_shuffle(mish(self.conv(x)), 2)

    def then(self, head: nn.Conv2d, x: Tensor) -> Tensor:
        """``head(self(x))``, the head computed before the pixels are shuffled where that is the same.

        A convolution to three or four channels leaves most of a processor's lanes empty, and it runs on four times the
        places. Each block of 2 x 2 results sees whole blocks of 2 x 2 features if the kernel's side is 4 n + 1, so the
        head is a convolution of side 2 n + 1 from ``4 width`` to four times its channels, and shuffling comes last.

        Args:
            head: Square kernel, padded by half of it.
            x: ``(B, width, h, w)``.

        Returns:
            ``(B, head.out_channels, 2h, 2w)``.
        """
        if torch.is_grad_enabled() or head.kernel_size[0] % 4 != 1:
            return head(self(x))  # type: ignore[no-any-return]
        # A pixel shuffle only moves numbers: mish and the head come first, on a quarter of the pixels.
        assert head.bias is not None
        weight = shuffled_last(head.weight)
        bias = head.bias.repeat_interleave(4)
        return F.pixel_shuffle(F.conv2d(mish(self.conv(x)), weight, bias, padding=weight.shape[2] // 2), 2)


def shuffled_last(weight: Tensor) -> Tensor:
    """Weights of a convolution in front of a pixel shuffle by 2 that equals one after it.

    Args:
        weight: ``(O, C, k, k)`` of the one after it, ``k = 4 n + 1``.

    Returns:
        ``(4 O, 4 C, 2 n + 1, 2 n + 1)``.
    """
    out, channels, side, _ = weight.shape
    # Where in its block a result lies shifts its kernel by that much in the blocks that the four see together.
    shifted = [F.pad(weight, (right, 1 - right, down, 1 - down)) for down in (0, 1) for right in (0, 1)]
    blocks = torch.stack(shifted, dim=1)  # (O, 4, C, k + 1, k + 1)
    # A kernel of k + 1 pixels is one of (k + 1) / 2 blocks, each of 2 x 2 channels.
    half = (side + 1) // 2
    blocks = blocks.view(out, 4, channels, half, 2, half, 2).permute(0, 1, 2, 4, 6, 3, 5)
    return blocks.reshape(4 * out, 4 * channels, half, half)
