"""The CRNN recognizer (Shi, Bai, Yao 2015) in the form STISR uses it."""

import itertools
from collections import OrderedDict

import torch.nn.functional as F
from torch import Tensor, nn

from glyphsr.config.recognizers import CRNNConfig
from glyphsr.nn.layers.bidirectional_lstm import BidirectionalLSTM
from glyphsr.nn.layers.grayscale import luminance
from glyphsr.nn.tracing import is_tracing
from glyphsr.recognizers.ctc_recognizer import CTCNetwork
from glyphsr.recognizers.tracing import traced_steps
from glyphsr.text.charset import CHARSETS
from glyphsr.text.ctc import CTCCodec

HEIGHT = 32
"""Pixels; the convolutions bring this height down to one."""


MIN_DEVIATION = 0.05
"""Added to a picture's deviation, so that an empty one is not blown up to noise."""


def _convolutions(width: int) -> nn.Sequential:
    """Seven convolutions; names are the published ones. Height 32 -> 1, width w -> w // 4 + 1."""
    channels = (1, width, 2 * width, 4 * width, 4 * width, 8 * width, 8 * width, 8 * width)
    # The third and fourth pooling keep the width: a line has more columns than rows.
    pools = {0: nn.MaxPool2d(2), 1: nn.MaxPool2d(2)}
    tall_pools = {i: nn.MaxPool2d((2, 2), (2, 1), (0, 1)) for i in (3, 5)}

    layers: OrderedDict[str, nn.Module] = OrderedDict()

    for i, (c_in, c_out) in enumerate(itertools.pairwise(channels)):
        last = i == 6
        layers[f"conv{i}"] = nn.Conv2d(c_in, c_out, 2 if last else 3, padding=0 if last else 1)

        if i in (2, 4, 6):
            layers[f"batchnorm{i}"] = nn.BatchNorm2d(c_out)
        layers[f"relu{i}"] = nn.ReLU(inplace=True)

        if i in pools | tall_pools:
            layers[f"pooling{i}"] = (pools | tall_pools)[i]

    return nn.Sequential(layers)


class CRNN(CTCNetwork):
    """Reads a line of any width; the published network when the configuration is the default.

    Source: ``meijieru/crnn.pytorch`` and its copy in the STISR repositories; keys are the published ones.
    """

    def __init__(self, config: CRNNConfig | None = None) -> None:
        super().__init__()
        self.config = config or CRNNConfig()
        self.charset = CHARSETS[self.config.charset_size]
        self.codec = CTCCodec(self.charset)
        hidden = self.config.hidden
        self.cnn = _convolutions(self.config.width)
        self.rnn = nn.Sequential(
            BidirectionalLSTM(8 * self.config.width, hidden, hidden),
            BidirectionalLSTM(hidden, hidden, self.num_classes),
        )

    def prepare(self, images: Tensor) -> Tensor:
        """Bring RGB images to what :meth:`forward` takes.

        Tensor bicubic without antialiasing, then luminance; no mean or deviation, as in the STISR benchmark,
        unless the configuration asks to standardise.

        Args:
            images: ``(B, 3, h, w)`` float in [0, 1].

        Returns:
            ``(B, 1, 32, W)``: W as configured, else the width that keeps the aspect (at least 8).
        """
        height, width = images.shape[-2:]
        target = self.config.input_width or self._natural_width(height, width)
        resized = F.interpolate(images, size=(HEIGHT, target), mode="bicubic", align_corners=False)

        gray = luminance(resized)
        if self.config.standardise:
            deviation = gray.std(dim=(2, 3), keepdim=True)
            gray = (gray - gray.mean(dim=(2, 3), keepdim=True)) / (deviation + MIN_DEVIATION)
        return gray

    def steps_of(self, height: int, width: int) -> int:
        """Steps T that pictures of a size are read in."""
        return (self.config.input_width or self._natural_width(height, width)) // 4 + 1

    def _natural_width(self, height: int, width: int) -> int:
        if is_tracing():  # sizes are tensors then, and have to stay free
            return traced_steps(width * HEIGHT / height, 8)
        return max(8, round(width * HEIGHT / height))

    def forward(self, gray: Tensor) -> Tensor:
        """Logits ``(T, B, K)``, time first, T = W // 4 + 1.

        Args:
            gray: ``(B, 1, 32, W)`` float in [0, 1].
        """
        features = self.cnn(gray)  # (B, 8 width, 1, T)
        return self.rnn(features[:, :, 0].permute(2, 0, 1))  # type: ignore[no-any-return]

    @property
    def max_length(self) -> int | None:
        """Steps of the fixed input width, ``None`` where the picture's aspect is kept."""
        return self.config.input_width // 4 + 1 if self.config.input_width else None
