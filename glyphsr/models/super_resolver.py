"""The super-resolution network together with its text prior generator: RGB in, RGB out."""

from collections.abc import Sequence
from typing import Self, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from glyphsr.config.model import ModelConfig
from glyphsr.models.confidence_gate import gate
from glyphsr.models.registry import RecognizerNetwork, SRNetwork, build_network, build_prior
from glyphsr.models.text_prior import TextPrior, TextPriorGenerator
from glyphsr.nn.layers.grayscale import brightness_mask
from glyphsr.reading.word_readings import line_text
from glyphsr.recognizers.protocols import CTCRecognizer
from glyphsr.text.lexicon import Lexicon
from glyphsr.types import SROutput


class SuperResolver(nn.Module):
    """TPG and network as one module; what a checkpoint holds and what ``upscale`` runs.

    Args:
        config: What the parts were built from; travels inside the checkpoint.
        prior: The text prior generator; ``None`` for a network that is not guided by one.
        network: The super-resolution network.
    """

    def __init__(self, config: ModelConfig, *, prior: TextPriorGenerator | None, network: SRNetwork) -> None:
        super().__init__()
        self.config = config
        self.prior = prior
        self.network = network

    @classmethod
    def from_config(cls, config: ModelConfig) -> Self:
        """Build both parts with fresh weights."""
        prior = TextPriorGenerator(build_prior(config.prior)) if config.network.needs_prior else None
        network = build_network(config.network, num_classes=prior.num_classes if prior else 0)
        return cls(config, prior=prior, network=network)

    @property
    def accepts_text(self) -> bool:
        """Whether a given text makes a difference to the prior."""
        return self.prior is not None and isinstance(self.prior.recognizer, CTCRecognizer)

    def text_prior(self, lr: Tensor, texts: Sequence[str | None] = (), *, lexicon: Lexicon | None = None) -> TextPrior:
        """What guides the network.

        Args:
            lr: ``(B, 3, h, w)`` float in [0, 1].
            texts: What the pictures say, ``None`` where it is not known; the prior's own reading takes its place where
                ``config.condition_on_reading`` is set.
            lexicon: Word list by which that reading is corrected; ``None`` for none.
        """
        assert self.prior is not None
        probabilities: Tensor = self.prior.recognizer.probabilities(lr)
        words = self.prior.read(probabilities, lexicon)
        given = list(texts) or [None] * len(words)
        known = given
        if self.config.condition_on_reading:
            known = [text or line_text(line) for text, line in zip(given, words, strict=True)]
        guide = self.prior.condition(probabilities, known).unsqueeze(2)
        return TextPrior(guide, words, tuple(bool(text) and self.accepts_text for text in given))

    def network_input(self, lr: Tensor) -> Tensor:
        """RGB ``(B, 3, h, w)`` in [0, 1], with TextZoom's mask as fourth channel where the network wants it."""
        if self.config.network.image_channels == 4:
            return torch.cat([lr, brightness_mask(lr)], dim=1)
        return lr

    def forward(self, lr: Tensor, prior: TextPrior | Tensor | None = None) -> SROutput:
        """Super-resolve RGB images.

        Args:
            lr: ``(B, 3, h, w)`` float in [0, 1].
            prior: What guides the network, instead of the TPG's own; with class probabilities ``(B, K, 1, T)`` alone
                nothing is held back.

        Returns:
            ``sr`` ``(B, C, 2h, 2w)``; the first three channels are RGB, not clipped. In evaluation mode the change over
            bicubic is held back as ``config.confidence_gate`` says.
        """
        if prior is None and self.prior is not None:
            prior = self.text_prior(lr)
        picture = self.network_input(lr)
        out: SROutput = self.network(picture, prior.guide if isinstance(prior, TextPrior) else prior)
        return self.apply_confidence_gate(out, picture, prior) if isinstance(prior, TextPrior) else out

    def apply_confidence_gate(self, out: SROutput, picture: Tensor, prior: TextPrior) -> SROutput:
        """Hold a network's change over bicubic back, as ``config.confidence_gate`` says; in training mode nothing is.

        Args:
            out: Of the network.
            picture: What the network saw, ``(B, C, h, w)``.
            prior: What guided it.
        """
        confidence_gate = self.config.confidence_gate
        if confidence_gate is None or self.training:
            return out
        applied = gate(prior.words, prior.given, confidence_gate, steps=prior.guide.shape[3], width=out.sr.shape[3])
        applied = applied.to(out.sr)
        plain = F.interpolate(picture, scale_factor=2, mode="bicubic", align_corners=False)
        return SROutput(sr=plain + applied * (out.sr - plain), glyphs=out.glyphs, gate=applied)


Trained: TypeAlias = "SuperResolver | RecognizerNetwork"
"""What a training run trains."""
