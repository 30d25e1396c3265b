"""A recognizer for low resolution: it works at the picture's own 16 rows instead of blowing it up first."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from glyphsr.config.recognizers import CTCTransformerConfig
from glyphsr.nn.tracing import is_tracing
from glyphsr.recognizers.ctc_recognizer import ColumnCTCNetwork
from glyphsr.recognizers.ctc_transformer.encoder import LineBlock, shape_features
from glyphsr.recognizers.tracing import traced_steps
from glyphsr.text.charset import CHARSETS
from glyphsr.text.ctc import CTCCodec

MIN_STEPS = 4
"""Narrower pictures are made wider."""

MIN_DEVIATION = 0.05
"""Added to a picture's deviation, so that an empty one is not blown up to noise."""

STRIDE = 2
"""Columns of the picture for each step."""


class CTCTransformer(ColumnCTCNetwork):
    """Reads a line of any width: residual convolutions, a transformer along the line, CTC."""

    def __init__(self, config: CTCTransformerConfig | None = None) -> None:
        super().__init__()
        self.config = config or CTCTransformerConfig()
        self.charset = CHARSETS[self.config.charset_size]
        self.codec = CTCCodec(self.charset)

        dim = self.config.dim
        self.cnn = shape_features(self.config.channels, self.config.blocks, dim, self.config.height)
        self.blocks = nn.ModuleList(
            LineBlock(dim, self.config.heads, self.config.mlp_ratio) for _ in range(self.config.depth)
        )

        self.norm = nn.LayerNorm(dim)
        self.symbols = nn.Linear(dim, self.num_symbols)
        self.columns = nn.Linear(dim, self.num_symbols)

    def prepare(self, images: Tensor) -> Tensor:
        """Bring RGB images to what :meth:`forward` takes.

        Args:
            images: ``(B, 3, h, w)`` float in [0, 1].

        Returns:
            ``(B, 3, height, 2 T)`` at the picture's aspect, each picture with mean 0 and deviation about 1.
        """
        height, width = images.shape[-2:]
        size = (self.config.height, STRIDE * self.steps_of(height, width))  # so that the steps share the width evenly
        if is_tracing() or (height, width) != size:
            smaller = not is_tracing() and height > size[0]
            images = F.interpolate(images, size=size, mode="bicubic", align_corners=False, antialias=smaller)
        # Each picture by its own brightness and contrast.
        deviation, mean = torch.std_mean(images, dim=(1, 2, 3), keepdim=True)
        return (images - mean) / (deviation + MIN_DEVIATION)

    def steps_of(self, height: int, width: int) -> int:
        """Steps T that pictures of a size are read in."""
        if is_tracing():  # sizes are tensors then, and have to stay free
            return traced_steps(width * self.config.height / height / STRIDE, MIN_STEPS)
        return max(MIN_STEPS, round(width * self.config.height / height / STRIDE))

    def encode(self, prepared: Tensor) -> Tensor:
        """``(B, 3, height, 2 T)`` -> ``(B, T, dim)``."""
        shapes = self.cnn(prepared.contiguous(memory_format=torch.channels_last))  # (B, dim, 1, T)
        x = shapes[:, :, 0].transpose(1, 2)
        for block in self.blocks:
            x = block(x)
        return self.norm(x)  # type: ignore[no-any-return]

    def forward(self, prepared: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of CTC and of the columns, ``(T, B, S)`` each, time first; S symbols, 0 is blank or no ink.

        Args:
            prepared: What :meth:`prepare` gave.
        """
        features = self.encode(prepared).transpose(0, 1)
        return self.symbols(features), self.columns(features)
