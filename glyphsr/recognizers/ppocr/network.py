"""PP-OCRv6's small recognizer: strong on print and photographs, and quick on a CPU."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from glyphsr.config.recognizers import PPOCRConfig
from glyphsr.nn.tracing import is_tracing
from glyphsr.recognizers.ctc_recognizer import ColumnCTCNetwork
from glyphsr.recognizers.ppocr.backbone import OUT_CHANNELS, Backbone
from glyphsr.recognizers.ppocr.neck import WIDTH, SVTRNeck
from glyphsr.recognizers.tracing import traced_steps
from glyphsr.text.charset import CHARSETS
from glyphsr.text.ctc import CTCCodec

HEIGHT = 48
"""Rows that the backbone reduces to one."""

STRIDE = 8
"""Columns of the prepared picture for each step."""

MIN_STEPS = 4
"""Steps of the narrowest picture; narrower ones are made wider."""


class PPOCR(ColumnCTCNetwork):
    """Reads a line of any width: convolutions, two attention blocks along the line, CTC.

    The published network has no head for columns; it is trained here.

    Source: PP-OCRv6_rec_small of PaddleOCR (Apache-2.0), as the package ``rapidocr`` ships it.
    """

    def __init__(self, config: PPOCRConfig | None = None) -> None:
        super().__init__()
        self.config = config or PPOCRConfig()
        self.charset = self.config.alphabet or CHARSETS[self.config.charset_size]
        self.codec = CTCCodec(self.charset)
        self.backbone = Backbone()
        self.neck = SVTRNeck(OUT_CHANNELS)
        self.symbols = nn.Linear(WIDTH, self.num_symbols)
        self.columns = nn.Linear(WIDTH + OUT_CHANNELS, self.num_symbols)
        # The published file has no such head: without training it says nothing, rather than anything.
        nn.init.zeros_(self.columns.weight)
        nn.init.zeros_(self.columns.bias)

    def prepare(self, images: Tensor) -> Tensor:
        """Bring RGB images to what :meth:`forward` takes.

        Args:
            images: ``(B, 3, h, w)`` float in [0, 1].

        Returns:
            ``(B, 3, 48, 8 T)`` at the picture's aspect, channels in the order BGR, values in [-1, 1].
        """
        height, width = images.shape[-2:]

        size = (HEIGHT, STRIDE * self.steps_of(height, width))
        if is_tracing() or (height, width) != size:
            smaller = not is_tracing() and height > HEIGHT
            images = F.interpolate(images, size=size, mode="bicubic", align_corners=False, antialias=smaller)
        return images.flip(1) * 2 - 1  # BGR in [-1, 1], as PaddleOCR reads files

    def steps_of(self, height: int, width: int) -> int:
        """Steps T that pictures of a size are read in."""
        if is_tracing():  # sizes are tensors then, and have to stay free
            return traced_steps(width * HEIGHT / height / STRIDE, MIN_STEPS)
        return max(MIN_STEPS, round(width * HEIGHT / height / STRIDE))

    def forward(self, prepared: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of CTC and of the columns, ``(T, B, S)`` each, time first; S symbols, 0 is blank or no ink.

        Args:
            prepared: What :meth:`prepare` gave.
        """
        seen = self.backbone(prepared.contiguous(memory_format=torch.channels_last))  # (B, 384, 1, T)
        read = self.neck(seen)  # (B, T, 120)
        # The columns' head sees the backbone, too: the neck has mixed places along the line.
        both = torch.cat([read, seen[:, :, 0].transpose(1, 2)], dim=2)
        return self.symbols(read).transpose(0, 1), self.columns(both).transpose(0, 1)

    def symbol_logits(self, prepared: Tensor) -> Tensor:
        """CTC's logits ``(T, B, S)``, without those of the columns."""
        seen = self.backbone(prepared.contiguous(memory_format=torch.channels_last))
        return self.symbols(self.neck(seen)).transpose(0, 1)  # type: ignore[no-any-return]
