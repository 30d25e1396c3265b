"""The PARSeq recognizer (Bautista, Atienza, ECCV 2022), the paper's text prior generator."""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn

from glyphsr.config.recognizers import PARSeqConfig
from glyphsr.nn.tracing import is_tracing
from glyphsr.recognizers.parseq.decoder import Decoder, TwoStreamDecoderLayer
from glyphsr.recognizers.protocols import TeacherForcedOutput
from glyphsr.text.charset import CHARSETS
from glyphsr.text.endings import EndedCodec
from glyphsr.text.tokens import EOS, AttentionCodec
from glyphsr.types import Reading


class TokenEmbedding(nn.Module):
    """Embedding table scaled by the square root of its width."""

    def __init__(self, num_tokens: int, embed_dim: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(num_tokens, embed_dim)
        self.scale = math.sqrt(embed_dim)

    def forward(self, tokens: Tensor) -> Tensor:
        """``(B, S)`` int64 -> ``(B, S, D)``."""
        return self.scale * self.embedding(tokens)  # type: ignore[no-any-return]


class PARSeq(nn.Module):
    """Reads a word; state-dict keys are those of the released files.

    Source: ``baudm/parseq: strhub/models/parseq`` (architecture and constants; the encoder is timm's ViT).
    """

    def __init__(self, config: PARSeqConfig | None = None) -> None:
        super().__init__()
        self.config = c = config or PARSeqConfig()
        self.charset = CHARSETS[c.charset_size]
        self.codec = AttentionCodec(self.charset)
        self.max_length = c.max_label_length
        self.max_forced_steps = c.max_label_length + 1
        self.num_classes = self.codec.num_classes

        # timm's ViT without class token and head: its patches are what the decoder attends to.
        self.encoder = VisionTransformer(
            img_size=c.image_size,
            patch_size=c.patch_size,
            embed_dim=c.embed_dim,
            depth=c.encoder_depth,
            num_heads=c.encoder_heads,
            mlp_ratio=c.mlp_ratio,
            qkv_bias=True,
            class_token=False,
            global_pool="",
            num_classes=0,
        )

        layer = TwoStreamDecoderLayer(
            c.embed_dim, num_heads=c.decoder_heads, mlp_dim=c.mlp_ratio * c.embed_dim, dropout=c.dropout
        )
        self.decoder = Decoder(layer, c.embed_dim)

        self.head = nn.Linear(c.embed_dim, self.num_classes)
        self.text_embed = TokenEmbedding(self.codec.num_tokens, c.embed_dim)
        # One query for each character, and one for the end.
        self.pos_queries = nn.Parameter(torch.empty(1, c.max_label_length + 1, c.embed_dim))
        self.dropout = nn.Dropout(c.dropout)
        nn.init.trunc_normal_(self.pos_queries, std=0.02)

    def prepare(self, images: Tensor) -> Tensor:
        """RGB ``(B, 3, h, w)`` in [0, 1] -> ``(B, 3, 32, 128)``, tensor bicubic without antialiasing, then 2x - 1.

        The tensor path of the GlyphSR release; PARSeq's own demo resizes with PIL instead.
        """
        resized = F.interpolate(images, size=self.config.image_size, mode="bicubic", align_corners=False)
        return 2 * resized - 1

    def forward(self, images: Tensor, *, max_length: int | None = None) -> Tensor:
        """Logits ``(B, S, K)``; S is the number of steps, ``max_length + 1`` when a refinement pass runs.

        Args:
            images: ``(B, 3, 32, 128)`` in [-1, 1].
            max_length: Most characters to read; default and maximum as configured.
        """
        limit = self.config.max_label_length
        num_steps = (limit if max_length is None else min(max_length, limit)) + 1

        memory = self.encoder.forward_features(images)  # (B, P, D)
        queries = self.pos_queries[:, :num_steps].expand(images.shape[0], -1, -1)
        # First reading: character by character, or all at once from the picture alone.
        if self.config.decode_autoregressive:
            logits, tokens = self._decode_autoregressive(queries, memory)
        else:
            tokens = torch.full((images.shape[0], 1), self.codec.bos, dtype=torch.int64, device=images.device)
            logits = self._decode(queries, tokens, memory)

        for _ in range(self.config.refine_iters):
            logits = self._refine(queries, logits, memory)
        return logits

    def _decode(
        self,
        queries: Tensor,
        tokens: Tensor,
        memory: Tensor,
        *,
        forbidden: Tensor | None = None,
        padding: Tensor | None = None,
    ) -> Tensor:
        """Logits of the queries, given the text so far."""
        content = self._content(tokens)
        out = self.decoder(self.dropout(queries), content, memory, forbidden=forbidden, padding=padding)
        return self.head(out)  # type: ignore[no-any-return]

    def _content(self, tokens: Tensor) -> Tensor:
        """Embedded text ``(B, S, D)``; BOS has no position, token i has query i - 1's."""
        content = self.text_embed(tokens)
        positions = self.pos_queries[:, : tokens.shape[1] - 1].expand(tokens.shape[0], -1, -1)
        content = torch.cat([content[:, :1], content[:, 1:] + positions], dim=1)
        return self.dropout(content)  # type: ignore[no-any-return]

    def _decode_with_attention(
        self, queries: Tensor, tokens: Tensor, memory: Tensor, *, forbidden: Tensor
    ) -> tuple[Tensor, Tensor]:
        """As :meth:`_decode`, and what each query looked at: ``(B, A, T, P)``."""
        out, attention = self.decoder.with_attention(
            self.dropout(queries), self._content(tokens), memory, forbidden=forbidden
        )
        return self.head(out), attention

    def _decode_autoregressive(self, queries: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        """Greedy, left to right, until every row has met its end of text."""
        tokens = torch.full((memory.shape[0], 1), self.codec.bos, dtype=torch.int64, device=memory.device)
        steps = []
        for i in range(queries.shape[1]):
            # One query at a time sees exactly the tokens before it, so no causal mask is needed.
            step = self._decode(queries[:, i : i + 1], tokens, memory)
            steps.append(step)
            tokens = torch.cat([tokens, step.argmax(dim=2)], dim=1)
            # A traced graph has a fixed number of steps.
            if not is_tracing() and bool((tokens == EOS).any(dim=1).all()):
                break
        return torch.cat(steps, dim=1), tokens

    def _refine(self, queries: Tensor, logits: Tensor, memory: Tensor) -> Tensor:
        """One cloze pass: each position sees the whole previous reading but its own character."""
        bos = torch.full((logits.shape[0], 1), self.codec.bos, dtype=torch.int64, device=logits.device)
        tokens = torch.cat([bos, logits[:, :-1].argmax(dim=2)], dim=1)  # (B, S)
        steps, length = queries.shape[1], tokens.shape[1]
        # The character of position i is token i + 1, after the start; its own is hidden from it.
        forbidden = torch.zeros(steps, length, dtype=torch.bool, device=logits.device)
        own = torch.arange(min(steps, length - 1), device=logits.device)
        forbidden[own, own + 1] = True
        # Nothing from the first end of text on is shown to anyone.
        padding = (tokens == EOS).int().cumsum(dim=1) > 0
        return self._decode(queries, tokens, memory, forbidden=forbidden, padding=padding)

    def probabilities(self, images: Tensor) -> Tensor:
        """Class probabilities ``(B, K, T)`` of RGB images ``(B, 3, h, w)`` in [0, 1]; class 0 is end of text."""
        return self(self.prepare(images)).softmax(dim=2).transpose(1, 2)  # type: ignore[no-any-return]

    @torch.no_grad()
    def read_prepared(self, prepared: Tensor) -> list[Reading]:
        """One reading per image ``(B, 3, 32, 128)`` in [-1, 1]."""
        return self.decode(self(prepared).softmax(dim=2).transpose(1, 2))

    @torch.no_grad()
    def read(self, images: Tensor) -> list[Reading]:
        """One reading per RGB image ``(B, 3, h, w)`` in [0, 1]."""
        return self.decode(self.probabilities(images))

    def forward_teacher_forced(
        self, prepared: Tensor, texts: Sequence[str], *, steps: int | None = None
    ) -> TeacherForcedOutput:
        """Left-to-right pass with the true texts given; attention is over the encoder's grid of patches.

        Raises:
            ValueError: If a text is longer than the network reads.
        """
        ended = EndedCodec(self.charset, end=EOS, first=1)
        targets = torch.tensor(ended.encode_rows(texts, steps), device=prepared.device)
        length = targets.shape[1]
        if length > self.max_length + 1:
            raise ValueError(f"expected texts of at most {self.max_length} characters, got one of {length - 1}")

        memory = self.encoder.forward_features(prepared)

        # Each character is predicted from those before it.
        bos = torch.full((len(targets), 1), self.codec.bos, device=prepared.device)
        tokens = torch.cat([bos, targets[:, :-1].clamp_min(EOS)], dim=1)
        future = torch.ones(length, length, dtype=torch.bool, device=prepared.device).triu(1)

        queries = self.pos_queries[:, :length].expand(len(targets), -1, -1)
        logits, attention = self._decode_with_attention(queries, tokens, memory, forbidden=future)

        # Attention over patches, as a grid: (B, A, T, h', w').
        grid = [size // patch for size, patch in zip(self.config.image_size, self.config.patch_size, strict=True)]
        return TeacherForcedOutput(logits, attention.view(*attention.shape[:3], *grid), targets)

    def decode(self, probabilities: Tensor) -> list[Reading]:
        """Greedy reading of each image; the confidence is the product over the text and its end."""
        best, ids = probabilities.max(dim=1)  # (B, T) each
        readings = []
        for probability, row in zip(best, ids, strict=True):
            ends = (row == EOS).nonzero()
            length = int(ends[0]) + 1 if len(ends) else len(row)
            readings.append(Reading(self.codec.decode(row.tolist()), probability[:length].prod().item()))
        return readings
