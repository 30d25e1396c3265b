"""Shapes of the recognizers; ``kind`` tells them apart."""

from typing import Annotated, ClassVar, Literal, get_args

from pydantic import Field, model_validator

from glyphsr.config.base import Config

Positive = Annotated[int, Field(ge=1, le=16_384)]
"""Channels and the like; the upper ends here keep a checkpoint's header from asking for more than any network needs."""
Layers = Annotated[int, Field(ge=1, le=64)]
Steps = Annotated[int, Field(ge=1, le=1024)]
PixelCount = Annotated[int, Field(ge=1, le=4096)]


class RecognizerSettings(Config):
    """What every recognizer's configuration says of its kind."""

    reads_by_ctc: ClassVar[bool] = False
    """Whether its steps lie along the line, as CTC's do."""
    places_ink: ClassVar[bool] = False
    """Whether it says for every step which character's ink it is on."""


class CRNNConfig(RecognizerSettings):
    """CRNN, as a text prior or a judge; the defaults are the published network's."""

    reads_by_ctc: ClassVar[bool] = True
    kind: Literal["crnn"] = "crnn"
    charset_size: Literal[36, 62, 94] = 36
    """Symbols it can read: digits and a-z, both cases, or punctuation too."""
    width: Annotated[int, Field(ge=4, le=2048)] = 64
    """Channels of the first convolution; the last has eight times as many."""
    hidden: Positive = 256
    """Units of each LSTM, per direction."""
    input_width: PixelCount | None = 100
    """Pixels a picture is resized to at height 32; null keeps its aspect."""
    standardise: bool = False
    """Bring each picture to mean 0 and deviation 1 first; the published network does not."""


class CTCTransformerConfig(RecognizerSettings):
    """Convolutions at the picture's own resolution, a transformer along the line, CTC: made for low resolution."""

    reads_by_ctc: ClassVar[bool] = True
    places_ink: ClassVar[bool] = True
    kind: Literal["ctc_transformer"] = "ctc_transformer"
    charset_size: Literal[36, 62, 94] = 62
    """Symbols it can read."""
    height: Annotated[int, Field(ge=8, le=512, multiple_of=4)] = 16
    """Rows that pictures are brought to; their aspect is kept."""
    channels: tuple[Positive, Positive, Positive] = (32, 64, 128)
    """Of the stem and of the two convolutional stages."""
    blocks: tuple[Layers, Layers] = (2, 3)
    """Residual blocks of the two stages."""
    dim: Positive = 256
    """Width of the transformer."""
    depth: Layers = 6
    heads: Positive = 8
    mlp_ratio: Annotated[float, Field(gt=0, le=64)] = 4.0

    @model_validator(mode="after")
    def _check(self) -> "CTCTransformerConfig":
        if self.mlp_ratio * self.dim < 1:
            raise ValueError(f"mlp_ratio: expected at least {1 / self.dim:g}, got {self.mlp_ratio:g}")
        if self.dim % self.heads:
            raise ValueError(f"dim: expected a multiple of heads, {self.heads}, got {self.dim}")
        return self


class PPOCRConfig(RecognizerSettings):
    """PP-OCRv6's small recognizer with a head for an alphabet of ours."""

    reads_by_ctc: ClassVar[bool] = True
    places_ink: ClassVar[bool] = True
    kind: Literal["ppocr"] = "ppocr"
    charset_size: Literal[36, 62, 94, 95] = 95
    """Symbols it can read; 95 are all printable ASCII characters, the space included."""
    alphabet: str | None = None
    """The symbols one by one, in place of ``charset_size``; for the published head with its 18,709."""


class PARSeqConfig(RecognizerSettings):
    """PARSeq; the defaults are the published ``parseq`` ("small" encoder)."""

    kind: Literal["parseq"] = "parseq"
    charset_size: Literal[36, 62, 94] = 94
    """Symbols it can read."""
    embed_dim: Positive = 384
    """Width of encoder and decoder; the tiny variant has 192."""
    encoder_depth: Layers = 12
    encoder_heads: Positive = 6
    """Attention heads of the encoder; tiny has 3."""
    decoder_heads: Positive = 12
    """Attention heads of the decoder; tiny has 6."""
    mlp_ratio: Layers = 4
    max_label_length: Steps = 25
    image_size: tuple[PixelCount, PixelCount] = (32, 128)
    """(height, width) in pixels."""
    patch_size: tuple[PixelCount, PixelCount] = (4, 8)
    """(height, width) in pixels."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1
    decode_autoregressive: bool = True
    """Decode left to right; else all positions at once."""
    refine_iters: Annotated[int, Field(ge=0, le=64)] = 1
    """Refinement passes after decoding."""


class MORANConfig(RecognizerSettings):
    """MORAN v2 as published: gray, 32 x 100, digits and a-z."""

    kind: Literal["moran"] = "moran"
    width: Annotated[int, Field(ge=2, le=1024)] = 32
    """Channels of the first convolution; the last has sixteen times as many."""
    hidden: Positive = 256
    """Units of each LSTM, per direction, and of the decoders."""
    max_steps: Steps = 20
    """Decoding steps, the end of the text included."""
    align_corners: bool = False
    """How pictures are sampled: torch >= 1.3 took the published code for false, older ones for true."""


class ASTERConfig(RecognizerSettings):
    """ASTER as published: 94 characters, beam width 5."""

    kind: Literal["aster"] = "aster"
    charset_size: Literal[36, 62, 94] = 94
    """Symbols it can read: digits and a-z, both cases, or punctuation too."""
    width: Annotated[int, Field(ge=2, le=1024)] = 32
    """Channels of the encoder's first convolution; the last, and its LSTMs, have sixteen times as many."""
    hidden: Positive = 512
    """Units of the decoder and of its attention."""
    max_steps: Steps = 100
    """Decoding steps, the end of the text included."""
    beam_width: Annotated[int, Field(ge=1, le=256)] = 5
    align_corners: bool = False
    """How pictures are sampled: torch >= 1.3 took the published code for false, older ones for true."""


class TelescopeConfig(RecognizerSettings):
    """The transformer recognizer of Scene Text Telescope: gray, 32 x 128, digits and a-z; or strokes (Text Gestalt)."""

    kind: Literal["telescope"] = "telescope"
    reads: Literal["characters", "strokes"] = "characters"
    """``strokes``: the nine strokes of which Text Gestalt puts characters together."""
    embed_dim: Annotated[int, Field(ge=2, le=16_384, multiple_of=2)] = 512
    """Width of a token's embedding, and of its position code beside it."""
    heads: Positive = 16
    """Attention heads of the decoder, whose width is twice ``embed_dim``."""
    mlp_dim: Positive = 2048
    max_steps: Steps = 26
    """Decoding steps when reading freely, the end of the text included."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1


class SIGAConfig(RecognizerSettings):
    """SIGA in its ResNet variant as published: RGB, 32 x 128, a-z and digits."""

    kind: Literal["siga"] = "siga"
    width: Annotated[int, Field(ge=2)] = 32
    """Channels of the first convolution; the last has sixteen times as many."""
    hidden: Positive = 256
    """Units of each LSTM, per direction, and of the decoders."""
    max_steps: Annotated[int, Field(ge=2)] = 26
    """Decoding steps, the end of the text included."""


RecognizerConfig = Annotated[
    CRNNConfig
    | CTCTransformerConfig
    | PPOCRConfig
    | PARSeqConfig
    | MORANConfig
    | ASTERConfig
    | TelescopeConfig
    | SIGAConfig,
    Field(discriminator="kind"),
]
"""Any recognizer, discriminated by ``kind``."""


def reads_strokes(config: object) -> bool:
    """Whether a recognizer of this configuration says strokes, not characters."""
    return isinstance(config, TelescopeConfig) and config.reads == "strokes"


PriorConfig = Annotated[CRNNConfig | CTCTransformerConfig | PPOCRConfig | PARSeqConfig, Field(discriminator="kind")]
"""A recognizer whose class probabilities can guide a network."""

CTC_KINDS = tuple(
    config.model_fields["kind"].default for config in get_args(get_args(RecognizerConfig)[0]) if config.reads_by_ctc
)
"""Kinds that read by CTC."""

PRIOR_CONFIGS: tuple[type[RecognizerSettings], ...] = get_args(get_args(PriorConfig)[0])
"""Its classes."""
