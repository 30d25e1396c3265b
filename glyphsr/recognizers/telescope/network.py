"""The transformer recognizer of Scene Text Telescope (Chen, Li, Xue, CVPR 2021)."""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from glyphsr.config.recognizers import TelescopeConfig
from glyphsr.nn.layers.attention import sinusoidal_code
from glyphsr.nn.layers.grayscale import luminance
from glyphsr.recognizers.ctc_decoding import ended_readings
from glyphsr.recognizers.protocols import TeacherForcedOutput
from glyphsr.recognizers.telescope.decoder import Decoder
from glyphsr.recognizers.telescope.encoder import GROUPS, Encoder
from glyphsr.text.charset import LOWER_ALPHANUMERIC, STROKES
from glyphsr.text.endings import EndedCodec
from glyphsr.types import Reading

SIZE = (32, 128)
GRID = (8, 32)
"""Places of the encoder, each of 4 x 4 pixels."""

END = 0
"""Class that starts, ends and pads a text."""


class Telescope(nn.Module):
    """Reads a word and shows where it looked; the text-focus loss and the glyph extraction use its attention.

    Source: ``FudanVI/FudanOCR: scene-text-telescope/loss/transformer.py``.
    """

    def __init__(self, config: TelescopeConfig | None = None) -> None:
        super().__init__()
        self.config = c = config or TelescopeConfig()
        self.charset = STROKES if c.reads == "strokes" else LOWER_ALPHANUMERIC
        self.codec = EndedCodec(self.charset, end=END, first=1)
        self.num_classes = len(self.charset) + 1
        self.max_length = c.max_steps - 1
        width = 2 * c.embed_dim  # a character's embedding, and its position's beside it
        if width != GROUPS[-1][-1]:
            raise ValueError(
                f"embed_dim: expected {GROUPS[-1][-1] // 2}, half of the encoder's width, got {c.embed_dim}"
            )

        self.encoder = Encoder()
        self.embedding = nn.Embedding(self.num_classes, c.embed_dim)
        self.decoder = Decoder(width, heads=c.heads, mlp_dim=c.mlp_dim, dropout=c.dropout)
        self.classifier = nn.Linear(width, self.num_classes)
        self.dropout = nn.Dropout(c.dropout)
        # The published table is longer; it is a constant, so only as much as is read is kept.
        self.register_buffer("position_code", sinusoidal_code(256, c.embed_dim), persistent=False)

    def prepare(self, images: Tensor) -> Tensor:
        """RGB ``(B, 3, h, w)`` in [0, 1] -> gray ``(B, 1, 32, 128)``; bicubic where the size differs."""
        if images.shape[-2:] != SIZE:
            images = F.interpolate(images, size=SIZE, mode="bicubic", align_corners=False)
        return luminance(images)

    def places(self, gray: Tensor) -> tuple[Tensor, Tensor]:
        """``(B, 1, 32, 128)`` -> keys and values of the 256 places."""
        features = self.encoder(gray).flatten(2).transpose(1, 2)  # (B, 256, 1024)
        return self.decoder.cross_attention.keys_values(features)

    def forward(self, places: tuple[Tensor, Tensor], previous: Tensor) -> tuple[Tensor, Tensor]:
        """Decode all steps at once, the text so far given.

        Args:
            places: Of :meth:`places`.
            previous: ``(B, T)`` int64: 0, then the classes of the characters before each step.

        Returns:
            Logits ``(B, T, K)`` and attention ``(B, 16, T, 256)``.
        """
        assert isinstance(self.position_code, Tensor)
        embedded = self.embedding(previous) * math.sqrt(self.config.embed_dim)
        code = self.dropout(self.position_code[: previous.shape[1]]).expand(len(previous), -1, -1)
        decoded, attention = self.decoder(torch.cat([embedded, code], dim=2), places)
        return self.classifier(decoded), attention

    @torch.no_grad()
    def read_prepared(self, prepared: Tensor) -> list[Reading]:
        """One greedy reading per gray image; the confidence is the product over the text and its end."""
        places = self.places(prepared)
        tokens = torch.full((len(prepared), 1), END, device=prepared.device)
        steps = []
        for _ in range(self.config.max_steps):
            probabilities = self(places, tokens)[0][:, -1].softmax(dim=1)
            best, chosen = probabilities.max(dim=1)
            steps.append(best)
            tokens = torch.cat([tokens, chosen[:, None]], dim=1)
            # The first token is the start, which is the same class as the end.
            if bool((tokens[:, 1:] == END).any(dim=1).all()):
                break
        return ended_readings(torch.stack(steps, dim=1), tokens[:, 1:], self.codec)

    def read(self, images: Tensor) -> list[Reading]:
        """One reading per RGB image ``(B, 3, h, w)`` in [0, 1]."""
        return self.read_prepared(self.prepare(images))

    def forward_teacher_forced(
        self, prepared: Tensor, texts: Sequence[str], *, steps: int | None = None
    ) -> TeacherForcedOutput:
        """Decoder with the true texts given; attention has 16 heads over a grid of 8 x 32."""
        targets = torch.tensor(self.codec.encode_rows(texts, steps), device=prepared.device)
        start = torch.full((len(targets), 1), END, device=prepared.device)
        previous = torch.cat([start, targets[:, :-1].clamp_min(END)], dim=1)
        logits, attention = self(self.places(prepared), previous)
        return TeacherForcedOutput(logits, attention.view(*attention.shape[:3], *GRID), targets)
