"""PEAN's auxiliary recognition module (ARM), which teaches the features to hold the text and is then dropped."""

import itertools

import torch.nn.functional as F
from torch import Tensor, nn

from glyphsr.nn.layers.bidirectional_lstm import BidirectionalLSTM
from glyphsr.text.charset import LOWER_ALPHANUMERIC
from glyphsr.text.ctc import CTCCodec

SIZE = (16, 50)
"""To which features are brought."""


class AuxiliaryReader(nn.Module):
    """CRNN from its second convolution on, whose poolings leave the width as it is.

    Source: ``jdfxzzy/PEAN: model/arm.py``.

    Args:
        width: Channels of the features.
        hidden: Features of the recurrent layers.
    """

    codec = CTCCodec(LOWER_ALPHANUMERIC)

    def __init__(self, width: int, hidden: int = 256) -> None:
        super().__init__()

        channels = (width, 2 * width, 4 * width, 4 * width, 8 * width, 8 * width, 8 * width)
        layers: list[nn.Module] = []
        for i, (before, after) in enumerate(itertools.pairwise(channels), start=1):
            last = i == 6
            layers.append(nn.Conv2d(before, after, 2 if last else 3, padding=0 if last else 1))
            if i % 2 == 0:
                layers.append(nn.BatchNorm2d(after))
            layers.append(nn.ReLU(inplace=True))
            if i % 2 == 1:
                layers.append(nn.MaxPool2d((2, 2), (2, 1), (0, 1)))

        self.cnn = nn.Sequential(*layers)
        self.rnn = nn.Sequential(
            BidirectionalLSTM(channels[-1], hidden, hidden), BidirectionalLSTM(hidden, hidden, self.codec.num_classes)
        )

    def forward(self, features: Tensor) -> Tensor:
        """``(B, width, h, w)`` -> CTC's logits ``(B, 52, 37)``."""
        x = F.interpolate(features, size=SIZE, mode="bicubic", align_corners=False)
        x = self.cnn(x).squeeze(2).permute(2, 0, 1)  # (T, B, 8 width)
        return self.rnn(x).transpose(0, 1)  # type: ignore[no-any-return]
