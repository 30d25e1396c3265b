"""Shapes of the networks."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from glyphsr.config.base import Config

Positive = Annotated[int, Field(ge=1)]


class GPMConfig(Config):
    """Glyph Perception Module: its size and which of its tasks are learned (paper, Table 3)."""

    line: bool = True
    """Learn the mask of the whole line (L_line)."""
    char: bool = True
    """Learn one mask per character (L_char)."""
    cls: bool = True
    """Learn the class of each character (L_cls)."""
    width: Annotated[int, Field(ge=4, multiple_of=4)] = 128
    """Channels at full size."""
    num_slots: Positive = 16
    """Character slots: the paper's L = 15 and one for the end (the released code has 16)."""
    num_classes: Positive = 39
    """Classes of a slot: 36 characters and three specials."""


class GlyphSRConfig(Config):
    """Shape of the GlyphSR network; the defaults are the paper's."""

    num_srbs: Positive = 5
    """Sequential residual blocks in the trunk (N)."""
    width: Annotated[int, Field(ge=4, multiple_of=4)] = 64
    """Channels of the trunk (C_sr)."""
    prior_width: Annotated[int, Field(ge=4, multiple_of=4)] = 32
    """Channels of the transformed prior (C_tp)."""
    prior_hidden: tuple[Positive, Positive, Positive] = (512, 128, 64)
    """Channels inside the prior transformer."""
    gpm: GPMConfig = GPMConfig()
    """Glyph perception; with all three tasks off and no fusion the network is the paper's Baseline 1."""
    gfm_from: Positive | None = 4
    """First SRB, counted from 1, whose output the GFM fuses with glyphs (N_gly); null for no fusion."""
    image_channels: Literal[3, 4] = 4
    """3 for RGB, 4 with the brightness mask of TextZoom's loader."""
    output: Literal["tanh", "residual"] = "tanh"
    """``tanh`` as published; ``residual`` adds the network's output to the bicubic picture, with no tanh."""
    stn: bool = False
    """Carry the inactive spatial transformer of the released checkpoints."""
    min_height: Positive = 16
    """Least line height in pixels that the network takes as it is; smaller lines are enlarged to it."""
    max_height: Positive = 16
    """Greatest line height in pixels that the network takes as it is; taller lines are handled at this height."""
    window_aspect: Annotated[float, Field(gt=1.0)] = 4.0
    """Width of the window through which long lines pass, in line heights."""

    @property
    def has_gpm(self) -> bool:
        """Whether anything needs the Glyph Perception Module."""
        return self.gfm_from is not None or self.gpm.line or self.gpm.char or self.gpm.cls

    @model_validator(mode="after")
    def _check(self) -> "GlyphSRConfig":
        if self.gfm_from is not None and self.gfm_from > self.num_srbs:
            raise ValueError(f"gfm_from: expected 1..{self.num_srbs} (num_srbs) or null, got {self.gfm_from}")
        if self.min_height > self.max_height:
            raise ValueError(f"min_height: expected at most max_height ({self.max_height}), got {self.min_height}")
        return self


class CRNNConfig(Config):
    """CRNN, as a text prior or a judge; the defaults are the published network's."""

    kind: Literal["crnn"] = "crnn"
    charset_size: Literal[36, 62, 94] = 36
    """Symbols it can read: digits and a-z, both cases, or punctuation too."""
    width: Annotated[int, Field(ge=4)] = 64
    """Channels of the first convolution; the last has eight times as many."""
    hidden: Positive = 256
    """Units of each LSTM, per direction."""
    input_width: Positive | None = 100
    """Pixels a picture is resized to at height 32; null keeps its aspect."""
    standardise: bool = False
    """Bring each picture to mean 0 and deviation 1 first; the published network does not."""


class PARSeqConfig(Config):
    """PARSeq; the defaults are the published ``parseq`` ("small" encoder)."""

    kind: Literal["parseq"] = "parseq"
    charset_size: Literal[36, 62, 94] = 94
    """Symbols it can read."""
    embed_dim: Positive = 384
    """Width of encoder and decoder; the tiny variant has 192."""
    encoder_depth: Positive = 12
    encoder_heads: Positive = 6
    """Attention heads of the encoder; tiny has 3."""
    decoder_heads: Positive = 12
    """Attention heads of the decoder; tiny has 6."""
    mlp_ratio: Positive = 4
    max_label_length: Positive = 25
    image_size: tuple[Positive, Positive] = (32, 128)
    """(height, width) in pixels."""
    patch_size: tuple[Positive, Positive] = (4, 8)
    """(height, width) in pixels."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1
    decode_autoregressive: bool = True
    """Decode left to right; else all positions at once."""
    refine_iters: Annotated[int, Field(ge=0)] = 1
    """Refinement passes after decoding."""


RecognizerConfig = Annotated[CRNNConfig | PARSeqConfig, Field(discriminator="kind")]
"""Any recognizer, told apart by ``kind``."""


class ModelConfig(Config):
    """The super-resolution network and the recognizer that gives it the text prior."""

    network: GlyphSRConfig = GlyphSRConfig()
    prior: RecognizerConfig = PARSeqConfig()
    """The text prior generator (TPG)."""
