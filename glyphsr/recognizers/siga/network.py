"""The SIGA recognizer (Guan et al., CVPR 2023), in its ResNet variant."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from glyphsr.config.recognizers import SIGAConfig
from glyphsr.recognizers.ctc_decoding import ended_readings
from glyphsr.recognizers.protocols import ForegroundAttention, TeacherForcedOutput
from glyphsr.recognizers.siga.backbone import Backbone, Features
from glyphsr.recognizers.siga.rectifier import Rectifier
from glyphsr.recognizers.siga.segmentation import GlyphHead
from glyphsr.recognizers.siga.sequence import AttentionDecoder, Decoder, Gate, SequenceEncoder
from glyphsr.text.endings import EndedCodec
from glyphsr.types import Reading

CHARSET = "abcdefghijklmnopqrstuvwxyz1234567890"
"""In the order of the published classes, which begin with the end of the text."""

SIZE = (32, 128)
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet, by which pictures are standardised."""


@dataclass(frozen=True, eq=False)
class SIGAOutput:
    """Everything that SIGA makes of straight pictures; T is the number of steps."""

    logits: Tensor
    """``(B, T, K)``: the text, from all branches together."""
    column_logits: Tensor
    """``(B, T, K)``: of the branch whose attention says which columns belong to which character."""
    columns: Tensor
    """``(B, T, 32)``: that 1D attention; each step's sums to one."""
    foreground_logits: Tensor
    """``(B, 2, 32, 128)``: ground and text."""
    half_maps: Tensor
    """``(B, 1 + T, 16, 64)``: logits of ground and characters."""
    quarter_maps: Tensor
    """``(B, 1 + T, 8, 32)``."""
    fused_half: Tensor
    """``(B, T, K)``: columns gated with the glyphs of the half-size maps."""
    fused_quarter: Tensor
    """``(B, T, K)``: columns gated with the glyphs of the quarter-size maps."""
    glyphs_half: Tensor
    """``(B, T, hidden)``: what is read off each character's half-size map."""
    glyphs_quarter: Tensor
    """``(B, T, hidden)``."""

    @property
    def foreground(self) -> Tensor:
        """``(B, 32, 128)``: probability of text at each pixel."""
        return self.foreground_logits.softmax(dim=1)[:, 1]


class SIGA(nn.Module):
    """Rectifies, segments text and characters, and reads; trained without annotated masks.

    The paper's glyph attention is the foreground times the 1D attention. Both lie on the rectified picture, whose
    pixels come from where :meth:`Rectifier.grid` says.

    Source: ``TongkunGuan/SIGA: SIGA_R`` (commit 000921a).
    """

    charset = CHARSET

    def __init__(self, config: SIGAConfig | None = None) -> None:
        super().__init__()
        self.config = config or SIGAConfig()
        hidden, wide = self.config.hidden, 16 * self.config.width
        self.codec = EndedCodec(CHARSET, end=0, first=1)
        self.num_classes = classes = len(CHARSET) + 1
        self.max_length = self.config.max_steps - 1
        self.rectifier = Rectifier(SIZE)
        self.backbone = Backbone(self.config.width)

        # Where each character is: 1D attention over columns.
        self.column_encoder = SequenceEncoder(wide, hidden)
        self.column_decoder = AttentionDecoder(hidden, classes)
        self.encoder = SequenceEncoder(wide, hidden)
        self.decoder = AttentionDecoder(hidden, classes)

        # What each character looks like, at half and at a quarter of the resolution.
        self.head = GlyphHead(self.config.width, hidden, 1 + self.config.max_steps)
        self.half_decoder = Decoder(hidden, hidden, hidden, classes)
        self.quarter_decoder = Decoder(hidden, hidden, hidden, classes)
        self.fused_half_decoder = AttentionDecoder(hidden, classes, gated=True)
        self.fused_quarter_decoder = AttentionDecoder(hidden, classes, gated=True)

        # Both are fused into the reading.
        self.gate = Gate(hidden)
        self.widen = nn.Linear(hidden, 2 * hidden)
        self.final_decoder = Decoder(2 * hidden, 2 * hidden, hidden, classes)

    def prepare(self, images: Tensor) -> Tensor:
        """RGB ``(B, 3, h, w)`` in [0, 1] -> ``(B, 3, 32, 128)``, bicubic, standardised by ImageNet's statistics."""
        resized = F.interpolate(images, size=SIZE, mode="bicubic", align_corners=False, antialias=True).clamp(0, 1)
        mean, deviation = (images.new_tensor(values)[:, None, None] for values in (MEAN, DEVIATION))
        return (resized - mean) / deviation

    def look(self, straight: Tensor, previous: Tensor | None = None) -> SIGAOutput:
        """Everything on rectified pictures.

        Args:
            straight: ``(B, 3, 32, 128)``, prepared and rectified.
            previous: ``(B, T)`` int64 classes fed at each step, class K first as the start; ``None`` for own choices.
        """
        steps = self.config.max_steps
        features = self.backbone(straight)
        context = self.column_encoder(features.columns)
        column_logits, _, attention = self.column_decoder(context, steps=steps, previous=previous)

        # Segmentation branch: foreground and characters' maps, and the glyph that each of them covers.
        foreground, half, quarter = self.head(features)
        glyphs_half, glyphs_quarter = self.head.glyphs(features, half, quarter)
        # Fusion: columns gated with glyphs of either size, and both read together.
        seen = self.encoder(features.columns)
        fused_half, low, _ = self.fused_half_decoder(seen, steps=steps, glyphs=glyphs_half, previous=previous)
        fused_quarter, middle, _ = self.fused_quarter_decoder(
            seen, steps=steps, glyphs=glyphs_quarter, previous=previous
        )
        logits = self.final_decoder(self.widen(self.gate(low, middle)), previous=previous)

        return SIGAOutput(
            logits=logits,
            column_logits=column_logits,
            columns=attention,
            foreground_logits=foreground,
            half_maps=half,
            quarter_maps=quarter,
            fused_half=fused_half,
            fused_quarter=fused_quarter,
            glyphs_half=glyphs_half,
            glyphs_quarter=glyphs_quarter,
        )

    def forward(self, prepared: Tensor) -> Tensor:
        """``(B, 3, 32, 128)`` of :meth:`prepare` -> logits ``(B, 26, 37)``; class 0 ends a text."""
        return self.look(self.rectifier(prepared)).logits

    @torch.no_grad()
    def read_prepared(self, prepared: Tensor) -> list[Reading]:
        """One reading per picture; the confidence is the product over the text and its end."""
        best, classes = self(prepared).softmax(dim=2).max(dim=2)
        return ended_readings(best, classes, self.codec)

    def read(self, images: Tensor) -> list[Reading]:
        """One reading per RGB image ``(B, 3, h, w)`` in [0, 1]."""
        return self.read_prepared(self.prepare(images))

    def attend_foreground(self, prepared: Tensor, texts: Sequence[str]) -> ForegroundAttention:
        """Foreground and 1D attention, given the true texts."""
        grid = self.rectifier.grid(prepared)
        straight = F.grid_sample(prepared, grid, padding_mode="border", align_corners=True)
        features = self.backbone(straight)

        foreground = self.head(features)[0].softmax(dim=1)[:, 1]  # (B, 32, 128)
        attention = self.condition_on_text(features, texts).attention[:, 0, :, 0]  # (B, T, 32)
        return ForegroundAttention(foreground, attention, grid)

    def foreground(self, prepared: Tensor) -> Tensor:
        """Probability of text ``(B, 32, 128)`` at each pixel of the rectified pictures; above 0.5 is text."""
        logits, _, _ = self.head(self.backbone(self.rectifier(prepared)))
        return logits.softmax(dim=1)[:, 1]  # type: ignore[no-any-return]

    def columns(self, prepared: Tensor, texts: Sequence[str]) -> Tensor:
        """1D attention ``(B, T, 32)`` over columns of the rectified pictures, given the true texts."""
        return self.forward_teacher_forced(prepared, texts).attention[:, 0, :, 0]

    def forward_teacher_forced(
        self, prepared: Tensor, texts: Sequence[str], *, steps: int | None = None
    ) -> TeacherForcedOutput:
        """Column branch with the true texts given; attention is over a grid of 1 x 32 of the rectified picture."""
        return self.condition_on_text(self.backbone(self.rectifier(prepared)), texts, steps=steps)

    def condition_on_text(
        self, features: Features, texts: Sequence[str], *, steps: int | None = None
    ) -> TeacherForcedOutput:
        """As :meth:`forward_teacher_forced`, from the backbone's features."""
        targets = torch.tensor(self.codec.encode_rows(texts, steps), device=features.columns.device)
        # Each step is fed the character before it; the class after all others begins.
        start = torch.full_like(targets[:, :1], self.num_classes)
        fed = torch.cat([start, targets[:, :-1].clamp_min(0)], dim=1)
        context = self.column_encoder(features.columns)
        logits, _, attention = self.column_decoder(context, steps=targets.shape[1], previous=fed)
        return TeacherForcedOutput(logits, attention[:, None, :, None, :], targets)
