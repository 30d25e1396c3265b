"""The ASTER recognizer (Shi et al., TPAMI 2019)."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from glyphsr.config.recognizers import ASTERConfig
from glyphsr.recognizers.aster.charsets import fold_classes
from glyphsr.recognizers.aster.decoder import AttentionDecoder
from glyphsr.recognizers.aster.encoder import Encoder
from glyphsr.recognizers.aster.rectifier import Rectifier
from glyphsr.recognizers.protocols import DecoderOutput, TeacherForcedOutput
from glyphsr.text.charset import CHARSETS
from glyphsr.text.endings import EndedCodec
from glyphsr.types import Reading

SPECIALS = 3
"""Classes after the characters: end of text, padding, unknown."""


class ASTER(nn.Module):
    """Rectifies a word of any size and reads it by beam search.

    Source: ``ayumiymk/aster.pytorch`` and its copy in the STISR repositories.
    """

    def __init__(self, config: ASTERConfig | None = None) -> None:
        super().__init__()
        self.config = config or ASTERConfig()
        self.charset = CHARSETS[self.config.charset_size]
        self.codec = EndedCodec(self.charset, end=len(self.charset))
        self.num_classes = len(self.charset) + SPECIALS
        self.max_length = self.config.max_steps
        self.rectifier = Rectifier(align_corners=self.config.align_corners)
        self.encoder = Encoder(self.config.width)
        self.num_features = self.encoder.out_channels
        self.decoder = AttentionDecoder(self.encoder.out_channels, self.config.hidden, self.num_classes)

    def prepare(self, images: Tensor) -> Tensor:
        """RGB ``(B, 3, h, w)`` in [0, 1] -> the same size in [-1, 1]; the rectifier takes any size."""
        return 2 * images - 1

    def features(self, prepared: Tensor) -> Tensor:
        """``(B, 3, h, w)`` in [-1, 1] -> ``(B, 25, 16 width)``."""
        return self.encoder(self.rectifier(prepared))  # type: ignore[no-any-return]

    def forward(self, prepared: Tensor) -> Tensor:
        """``(B, 3, h, w)`` in [-1, 1] -> greedy logits ``(B, 100, 97)``; class 94, after the charset, ends a text."""
        return self.decoder(self.features(prepared), steps=self.config.max_steps)[0]  # type: ignore[no-any-return]

    @torch.no_grad()
    def read_prepared(self, prepared: Tensor) -> list[Reading]:
        """One reading per image by beam search; the confidence is the beam's probability."""
        found = self.decoder.beam_search(
            self.features(prepared), steps=self.config.max_steps, beam=self.config.beam_width, end=self.codec.end
        )
        return [Reading(self.codec.decode(best.classes), math.exp(best.score)) for best in found]

    def read(self, images: Tensor) -> list[Reading]:
        """One reading per RGB image ``(B, 3, h, w)`` in [0, 1]."""
        return self.read_prepared(self.prepare(images))

    def forward_teacher_forced(
        self, prepared: Tensor, texts: Sequence[str], *, steps: int | None = None
    ) -> TeacherForcedOutput:
        """Decoder with the true texts given; attention is over a grid of 1 x 25 of the rectified picture."""
        targets = torch.tensor(self.codec.encode_rows(texts, steps), device=prepared.device)
        features = self.features(prepared)
        logits, attention = self.decoder(features, steps=targets.shape[1], previous=targets)
        return TeacherForcedOutput(logits, attention[:, None, :, None, :], targets)

    def state_for_charset(self, charset: str) -> dict[str, Tensor]:
        """Its state dict for a subset of its characters; see :func:`~.charsets.fold_classes`."""
        return fold_classes(self.state_dict(), charset=self.charset, into=charset)

    def decoder_outputs(self, prepared: Tensor, texts: Sequence[str]) -> tuple[DecoderOutput]:
        """What training looks at: as :meth:`forward_teacher_forced`, each text to its end and no further."""
        targets = torch.tensor(self.codec.encode_rows(texts), device=prepared.device)
        features = self.features(prepared)
        return (DecoderOutput(self.decoder.follow(features, targets), targets, features),)
