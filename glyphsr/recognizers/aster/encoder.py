"""ASTER's encoder: a residual network down to one row, then a two-layer bidirectional LSTM."""

from torch import Tensor, nn

from glyphsr.nn.layers.residual_stages import ResidualStages

STRIDES = ((2, 2), (2, 2), (2, 1), (2, 1), (2, 1))


class Encoder(ResidualStages):
    """``(B, 3, 32, 100)`` -> ``(B, 25, out_channels)``.

    Source: ``ayumiymk/aster.pytorch: lib/models/resnet_aster.py``.

    Args:
        width: Channels of the stem; 32 as published.
    """

    def __init__(self, width: int) -> None:
        super().__init__(width, STRIDES, stride_late=False)
        channels = self.out_channels
        self.rnn = nn.LSTM(channels, channels // 2, num_layers=2, batch_first=True, bidirectional=True)

    def forward(self, images: Tensor) -> Tensor:
        """Features of 25 columns."""
        features: Tensor = self.rnn(super().forward(images).squeeze(2).transpose(1, 2))[0]
        return features
