"""The MORAN recognizer (Luo, Jin, Sun, 2019), version 2."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from glyphsr.config.recognizers import MORANConfig
from glyphsr.nn.layers.grayscale import luminance
from glyphsr.recognizers.ctc_decoding import ended_readings
from glyphsr.recognizers.moran.decoder import AttentionDecoder
from glyphsr.recognizers.moran.encoder import Encoder
from glyphsr.recognizers.moran.rectifier import Rectifier
from glyphsr.recognizers.protocols import DecoderOutput, TeacherForcedOutput
from glyphsr.text.charset import LOWER_ALPHANUMERIC
from glyphsr.text.endings import EndedCodec
from glyphsr.types import Reading

SIZE = (32, 100)


class MORAN(nn.Module):
    """Rectifies, then reads from left to right; the decoder in the other direction only came along in training.

    Source: ``Canjie-Luo/MORAN_v2`` and its copy in the STISR repositories.
    """

    charset = LOWER_ALPHANUMERIC

    def __init__(self, config: MORANConfig | None = None) -> None:
        super().__init__()
        self.config = config or MORANConfig()
        self.codec = EndedCodec(self.charset, end=len(self.charset))
        self.num_classes = len(self.charset) + 1
        self.max_length = self.config.max_steps
        self.rectifier = Rectifier(align_corners=self.config.align_corners)
        self.encoder = Encoder(self.config.hidden, self.config.width)
        self.num_features = self.config.hidden
        self.decoder = AttentionDecoder(self.config.hidden, self.num_classes)
        self.reverse_decoder = AttentionDecoder(self.config.hidden, self.num_classes)

    def prepare(self, images: Tensor) -> Tensor:
        """RGB ``(B, 3, h, w)`` in [0, 1] -> gray ``(B, 1, 32, 100)``, as for CRNN: bicubic, no mean, no deviation."""
        return luminance(F.interpolate(images, size=SIZE, mode="bicubic", align_corners=False))

    def forward(self, gray: Tensor) -> Tensor:
        """``(B, 1, 32, 100)`` in [0, 1] -> logits ``(B, 20, 37)`` of the left-to-right decoder; class 36 is the end."""
        features = self.encoder(self.rectifier(gray))
        return self.decoder(features, steps=self.config.max_steps)[0]  # type: ignore[no-any-return]

    @torch.no_grad()
    def read_prepared(self, prepared: Tensor) -> list[Reading]:
        """One reading per gray image; the confidence is the product over the text and its end."""
        best, classes = self(prepared).softmax(dim=2).max(dim=2)
        return ended_readings(best, classes, self.codec)

    def read(self, images: Tensor) -> list[Reading]:
        """One reading per RGB image ``(B, 3, h, w)`` in [0, 1]."""
        return self.read_prepared(self.prepare(images))

    def forward_teacher_forced(
        self, prepared: Tensor, texts: Sequence[str], *, steps: int | None = None
    ) -> TeacherForcedOutput:
        """Left-to-right decoder with the true texts given; attention is over a grid of 1 x 25."""
        targets = torch.tensor(self.codec.encode_rows(texts, steps), device=prepared.device)
        features = self.encoder(self.rectifier(prepared))
        logits, attention = self.decoder(features, steps=targets.shape[1], previous=targets)
        return TeacherForcedOutput(logits, attention[:, None, :, None, :], targets)

    def decoder_outputs(self, prepared: Tensor, texts: Sequence[str]) -> tuple[DecoderOutput, DecoderOutput]:
        """Outputs of both decoders for the true texts: forwards, and reversed. The loss is the mean of both.

        Source: ``Canjie-Luo/MORAN_v2: main.py``. The published training also leaves the rectifier out for half of the
        batches and exchanges attention weights of neighbouring columns at random; here neither is done.
        """
        features = self.encoder(self.rectifier(prepared))
        columns = features.transpose(0, 1)
        decoder_outputs = []
        for decoder, own_texts in (
            (self.decoder, texts),
            (self.reverse_decoder, [text[::-1] for text in texts]),
        ):
            targets = torch.tensor(self.codec.encode_rows(own_texts), device=prepared.device)
            logits, _ = decoder(features, steps=targets.shape[1], previous=targets)
            decoder_outputs.append(DecoderOutput(logits, targets, columns))
        return decoder_outputs[0], decoder_outputs[1]
