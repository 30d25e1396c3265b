"""The super-resolution network together with its text prior generator: RGB in, RGB out."""

from collections.abc import Sequence
from functools import cached_property
from typing import Self, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from glyphsr.config.model import ModelConfig
from glyphsr.models.confidence_gate import dilation_of, gate, same_spelling, word_confidence
from glyphsr.models.layers.grayscale import brightness_mask
from glyphsr.models.recognizers.protocols import CTCRecognizer
from glyphsr.models.registry import PriorNetwork, RecognizerNetwork, SRNetwork, build_network, build_prior
from glyphsr.models.text_conditioning import condition_on_texts
from glyphsr.types import SROutput


class TextPriorGenerator(nn.Module):
    """The TPG: a recognizer whose class probabilities on the LR image guide the network."""

    def __init__(self, recognizer: PriorNetwork) -> None:
        super().__init__()
        self.recognizer = recognizer
        self.num_classes = recognizer.num_classes

    def forward(self, lr: Tensor, texts: Sequence[str | None] = ()) -> Tensor:
        """``(B, 3, h, w)`` in [0, 1] -> text prior ``(B, K, 1, T)``, probabilities over the charset.

        Args:
            lr: The pictures.
            texts: As in :meth:`condition`.
        """
        probabilities: Tensor = self.recognizer.probabilities(lr)  # (B, K, T)
        return self.condition(probabilities, texts).unsqueeze(2)

    def condition(self, probabilities: Tensor, texts: Sequence[str | None]) -> Tensor:
        """The recognizer's probabilities, given what some pictures say; it then only says where.

        Args:
            probabilities: ``(B, K, T)``.
            texts: One per picture, ``None`` where it is not known; none at all changes nothing. Recognizers that do not
                read by CTC cannot be given any.

        Returns:
            ``(B, K, T)``; rows whose text has no known character, or does not fit into the picture, as they were.
        """
        recognizer = self.recognizer
        rows = [row for row, text in enumerate(texts) if text]
        if not rows or not isinstance(recognizer, CTCRecognizer):
            return probabilities
        symbols, *columns = torch.split(probabilities[rows], recognizer.num_symbols, dim=1)
        known = [texts[row] or "" for row in rows]
        placed, fits = condition_on_texts(symbols, [recognizer.codec.encode(text) for text in known])
        heads = [placed]
        for head in columns:  # whose ink each step is on: a space has none
            inked, also = condition_on_texts(head, [recognizer.codec.encode("".join(text.split())) for text in known])
            heads.append(inked)
            fits = fits & also
        given = torch.where(fits[:, None, None], torch.cat(heads, dim=1), probabilities[rows])
        return probabilities.index_copy(0, torch.tensor(rows, device=probabilities.device), given)

    def texts_of(self, probabilities: Tensor) -> list[str]:
        """What the recognizer reads in each picture, from its probabilities ``(B, K, T)``."""
        return [reading.text for reading in self.recognizer.decode(probabilities)]


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

    def text_prior(self, lr: Tensor, texts: Sequence[str | None] = ()) -> Tensor:
        """The prior ``(B, K, 1, T)`` that guides the network.

        Args:
            lr: ``(B, 3, h, w)`` float in [0, 1].
            texts: What the pictures say, ``None`` where it is not known; the prior's own reading takes its place where
                ``config.condition_on_reading`` is set.
        """
        assert self.prior is not None
        probabilities: Tensor = self.prior.recognizer.probabilities(lr)
        if self.config.condition_on_reading:
            read = self.prior.texts_of(probabilities)
            given = texts or [None] * len(read)
            texts = [text or own for text, own in zip(given, read, strict=True)]
        return self.prior.condition(probabilities, texts).unsqueeze(2)

    def network_input(self, lr: Tensor) -> Tensor:
        """RGB ``(B, 3, h, w)`` in [0, 1], with TextZoom's mask as fourth channel where the network wants it."""
        if self.config.network.image_channels == 4:
            return torch.cat([lr, brightness_mask(lr)], dim=1)
        return lr

    def forward(self, lr: Tensor, prior: Tensor | None = None) -> SROutput:
        """Super-resolve RGB images.

        Args:
            lr: ``(B, 3, h, w)`` float in [0, 1].
            prior: Text prior ``(B, K, 1, T)`` to use instead of the TPG's.

        Returns:
            ``sr`` ``(B, C, 2h, 2w)``; the first three channels are RGB, not clipped. In evaluation mode the change over
            bicubic is held back as ``config.restraint`` says.
        """
        if prior is None and self.prior is not None:
            prior = self.text_prior(lr)
        picture = self.network_input(lr)
        out: SROutput = self.network(picture, prior)
        return self.apply_confidence_gate(out, picture, prior)

    def apply_confidence_gate(self, out: SROutput, picture: Tensor, prior: Tensor | None) -> SROutput:
        """Hold a network's change over bicubic back, as ``config.restraint`` says; in training mode nothing is.

        Args:
            out: Of the network.
            picture: What the network saw, ``(B, C, h, w)``.
            prior: The text prior ``(B, K, 1, T)`` that guided it; without one nothing is held back.
        """
        restraint = self.config.restraint
        if restraint is None or self.training or prior is None:
            return out
        symbols, columns = prior[:, :, 0].chunk(2, dim=1)  # (B, S, T) each
        height, width = out.sr.shape[-2:]
        dilation = dilation_of(symbols.shape[2], (height, width))
        sure = word_confidence(symbols, columns, dilation=dilation, case_map=self.case_map)  # (B, T)
        if restraint.reread and bool((sure > restraint.low).any()):
            # Of a word that is spelled otherwise in the result nothing is known.
            sure = sure * same_spelling(
                symbols, self.reread(out.sr), columns, dilation=dilation, case_map=self.case_map
            )
        applied = gate(sure, restraint, width)  # (B, 1, 1, W)
        plain = F.interpolate(picture, scale_factor=2, mode="bicubic", align_corners=False)
        return SROutput(sr=plain + applied * (out.sr - plain), glyphs=out.glyphs, gate=applied)

    def reread(self, sr: Tensor) -> Tensor:
        """CTC's class probabilities ``(B, S, T)`` of the prior on super-resolved pictures ``(B, C, 2h, 2w)``."""
        assert self.prior is not None
        return self.prior(sr[:, :3].clamp(0, 1))[:, :, 0].chunk(2, dim=1)[0]  # type: ignore[no-any-return]

    @cached_property
    def case_map(self) -> tuple[int, ...]:
        """Of the prior's symbols each one's lower case, as in every comparison of texts."""
        assert self.prior is not None
        assert isinstance(self.prior.recognizer, CTCRecognizer)
        return self.prior.recognizer.codec.lower_case


Trained: TypeAlias = "SuperResolver | RecognizerNetwork"
"""What a training run trains."""
