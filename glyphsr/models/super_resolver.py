"""The super-resolution network together with its text prior generator: RGB in, RGB out."""

from collections.abc import Sequence
from typing import Self, TypeAlias

import torch
from torch import Tensor, nn

from glyphsr.config.model import ModelConfig
from glyphsr.models.confidence_gate import gated_guide
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
        # What is read in the picture; what the user says goes before it.
        words = self.prior.read(probabilities, lexicon)
        given = list(texts) or [None] * len(words)
        known = given
        if self.config.condition_on_reading:
            known = [text or line_text(line) for text, line in zip(given, words, strict=True)]

        guide = self.prior.condition(probabilities, known).unsqueeze(2)
        is_given = tuple(bool(text) and self.accepts_text for text in given)
        return TextPrior(guide, probabilities.unsqueeze(2), words, is_given)

    def guide_of(self, prior: TextPrior) -> Tensor:
        """``(B, K, 1, T)``: what guides the network, committed to the texts as far as ``config.confidence_gate`` says.

        In training mode it is committed to all of them.
        """
        if self.config.confidence_gate is None or self.training:
            return prior.guide
        return gated_guide(prior, self.config.confidence_gate)

    def network_input(self, lr: Tensor) -> Tensor:
        """RGB ``(B, 3, h, w)`` in [0, 1], with TextZoom's mask as fourth channel where the network wants it."""
        if self.config.network.image_channels == 4:
            return torch.cat([lr, brightness_mask(lr)], dim=1)
        return lr

    def forward(self, lr: Tensor, prior: TextPrior | Tensor | None = None) -> SROutput:
        """Super-resolve RGB images.

        Args:
            lr: ``(B, 3, h, w)`` float in [0, 1].
            prior: What guides the network, instead of the TPG's own; class probabilities ``(B, K, 1, T)`` pass no gate.

        Returns:
            ``sr`` ``(B, C, 2h, 2w)``; the first three channels are RGB, not clipped.
        """
        if prior is None and self.prior is not None:
            prior = self.text_prior(lr)

        picture = self.network_input(lr)
        guide = self.guide_of(prior) if isinstance(prior, TextPrior) else prior
        out: SROutput = self.network(picture, guide)
        return out


Trained: TypeAlias = "SuperResolver | RecognizerNetwork"
"""What a training run trains."""
