"""PEAN: attention along strips, guided by an enhanced text prior."""

from typing import cast

import torch.nn.functional as F
from torch import Tensor, nn

from glyphsr.models.pean.auxiliary_reader import AuxiliaryReader
from glyphsr.models.pean.enhancer import PriorEnhancer
from glyphsr.models.pean.settings import PEANConfig
from glyphsr.models.pean.strip_attention import StripStack
from glyphsr.nn.layers.prior_interpreter import PriorInterpreter
from glyphsr.nn.layers.residual_network import ResidualNetwork
from glyphsr.types import SROutput


class PEAN(ResidualNetwork):
    """Strip attention after TATT's way to read a text prior; takes 16 x 64 pictures only.

    Source: ``jdfxzzy/PEAN: model/pean.py``.
    """

    reading_codec = AuxiliaryReader.codec
    added_parts = ("enhancer.", "auxiliary_reader.")

    def __init__(self, config: PEANConfig, *, num_classes: int) -> None:
        interpreter = PriorInterpreter.from_config(config, num_classes, num_decoders=3, act=nn.ReLU(), encoded=False)
        super().__init__(
            config,
            blocks=[StripStack(config.width, config.strip_heads, config.num_pairs) for _ in range(config.num_srbs)],
            guidance=interpreter,
            num_classes=num_classes,
        )
        self.head_norm = nn.BatchNorm2d(config.image_channels)
        self.enhancer: PriorEnhancer | None = None
        if config.enhancer_steps:
            self.enhancer = PriorEnhancer(num_classes, num_denoisings=config.enhancer_steps, seed=config.enhancer_seed)

        self.auxiliary_reader = AuxiliaryReader(config.width) if config.auxiliary_reader else None

    @property
    def untaught(self) -> tuple[nn.Module, ...]:
        """The auxiliary reader, where there is one."""
        return () if self.auxiliary_reader is None else (self.auxiliary_reader,)

    @classmethod
    def from_config(cls, config: PEANConfig, *, num_classes: int) -> "PEAN":
        """Build the network for a prior of ``num_classes`` classes."""
        return cls(config, num_classes=num_classes)

    def forward(self, lr: Tensor, prior: Tensor | None = None, start: Tensor | None = None) -> SROutput:
        """Super-resolve.

        Args:
            lr: ``(B, C, 16, 64)`` float in [0, 1], C as configured.
            prior: ``(B, K, 1, T)`` class probabilities; ``None`` stands for no prior (zeros, T = 26).
            start: Normal noise ``(B, T, K)`` from which the prior is enhanced, if it is.

        Returns:
            ``sr`` is ``(B, C, 32, 128)``, at least 0 and not limited above; there are no glyphs.
        """
        features = self.stem(lr)
        prior = self.prior_or_none(lr, prior)
        if self.enhancer is not None:
            read = prior.squeeze(2).transpose(1, 2)  # (B, T, K)
            prior = self.enhancer(read, start).transpose(1, 2).unsqueeze(2)
        return self.finish(features, cast("PriorInterpreter", self.guidance)(prior, features))

    def read_features(self, x: Tensor) -> tuple[Tensor, ...]:
        """The auxiliary reader's logits, in training alone."""
        return () if self.auxiliary_reader is None or not self.training else (self.auxiliary_reader(x),)

    def draw(self, x: Tensor) -> Tensor:
        """Features ``(B, width, h, w)`` -> pixels ``(B, C, 2h, 2w)``, at least 0."""
        return F.relu(self.head_norm(self.upsampler.then(self.head, x)))
