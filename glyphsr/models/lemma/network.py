"""LEMMA: every block is modulated by where the characters are and what they say."""

import torch
from torch import Tensor, nn

from glyphsr.models.lemma.guidance import TextGuidance
from glyphsr.models.lemma.reader import CODEC, LocatingReader
from glyphsr.models.lemma.settings import LEMMAConfig
from glyphsr.nn.layers.gru_block import GRUBlock
from glyphsr.nn.layers.mish import mish
from glyphsr.nn.layers.residual_network import Guidance, ResidualNetwork
from glyphsr.nn.layers.stn import straightener


def _pointwise(in_channels: int, width: int) -> nn.Sequential:
    """1x1 convolutions with BatchNorm and PReLU between."""
    return nn.Sequential(
        nn.Conv2d(in_channels, width, 1), nn.BatchNorm2d(width), nn.PReLU(), nn.Conv2d(width, width, 1)
    )


class Modulation(nn.Module):
    """Scales and shifts features by guidance.

    Args:
        width: Channels of both.
        size: Their ``(height, width)``; fixed, since one filter covers it.
    """

    def __init__(self, width: int, size: tuple[int, int]) -> None:
        super().__init__()
        self.guidance_norm = nn.BatchNorm2d(width)
        self.gate = _pointwise(2 * width, width)
        self.scaled = _pointwise(2 * width, width)
        self.shift = _pointwise(2 * width, width)

        # A convolution as large as the picture weighs each channel by where its features are.
        self.channel_gate = nn.Sequential(
            nn.Conv2d(width, width, size, groups=width),
            nn.Conv2d(width, width, 1),
            nn.ReLU(),
            nn.Conv2d(width, width, 1),
            nn.ReLU(),
            nn.Conv2d(width, width, 1),
            nn.Sigmoid(),
        )

        self.aggregate = _pointwise(width, width)
        self.norm = nn.BatchNorm2d(width)

    def forward(self, x: Tensor, guidance: Tensor) -> Tensor:
        """``(B, width, *size)`` twice -> the same shape."""
        # Scale by what is weighed by channel, shift by what is not.
        both = torch.cat([x, self.guidance_norm(guidance)], dim=1)
        channels = self.channel_gate(self.gate(both))  # (B, width, 1, 1)
        return self.norm(self.shift(both) + self.aggregate(channels * self.scaled(both)))  # type: ignore[no-any-return]


class ModulatedBlock(nn.Module):
    """A sequential residual block whose convolutions are modulated, with one norm more and no 1x1 convolutions."""

    def __init__(self, width: int, size: tuple[int, int]) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, kernel_size=3, padding=1)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, kernel_size=3, padding=1)
        self.bn2 = nn.BatchNorm2d(width)
        self.modulation = Modulation(width, size)
        self.norm = nn.BatchNorm2d(width)
        self.vertical_gru = GRUBlock(width, width, axis="vertical", project=False)
        self.horizontal_gru = GRUBlock(width, width, axis="horizontal", project=False)

    def forward(self, x: Tensor, guidance: Tensor) -> Tensor:
        """``(B, width, *size)`` twice -> the same shape."""
        residual = self.bn2(self.conv2(mish(self.bn1(self.conv1(x)))))
        residual = self.vertical_gru(self.modulation(residual, guidance))
        return self.horizontal_gru(self.norm(x + residual))  # type: ignore[no-any-return]


class LEMMA(ResidualNetwork):
    """TSRN's trunk with a reader of its own; takes 16 x 64 pictures only.

    Source: ``csguoh/LEMMA: model/lemma.py``. What its reader sees is taught by the losses of recognition alone, so that
    without those its classifier does not learn.
    """

    reading_codec = CODEC

    def __init__(self, config: LEMMAConfig) -> None:
        size = config.fixed_size
        assert size is not None
        super().__init__(
            config,
            blocks=[ModulatedBlock(config.width, size) for _ in range(config.num_srbs)],
            guidance=TextGuidance(config.width, size[0] * size[1], config.dropout),
            stn=straightener(config),
        )
        self.reader = LocatingReader(config.reader_width, config.dropout)

    @classmethod
    def from_config(cls, config: LEMMAConfig, *, num_classes: int = 0) -> "LEMMA":
        """Build the network; it has no use for a text prior from outside, so ``num_classes`` is ignored."""
        del num_classes
        return cls(config)

    @property
    def untaught(self) -> tuple[nn.Module, ...]:
        """The reader's classifier of what it sees."""
        return (self.reader.classify,)

    @property
    def pretrained(self) -> tuple[nn.Module, ...]:
        """The reader, which its authors begin from ABINet's weights."""
        return (self.reader,)

    def guide(self, lr: Tensor, prior: Tensor | None, features: Tensor) -> Guidance:
        """The guidance of every block, from what the reader finds, with its two readings: seen and meant.

        Raises:
            ValueError: If the picture has another size than the network was built for.
        """
        del prior
        assert self.guidance is not None
        size = self.config.fixed_size
        assert size is not None
        if lr.shape[-2:] != size:
            raise ValueError(f"expected {size[0]} x {size[1]} pictures, got {tuple(lr.shape[-2:])}")
        # The reader reads RGB, and does not teach what is in front of it.
        text = self.reader(lr[:, :3].detach())
        return Guidance(self.guidance(text, features), (text.seen, text.meant))
