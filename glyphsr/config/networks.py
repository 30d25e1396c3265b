"""Shapes of the super-resolution networks; ``kind`` tells them apart."""

import json
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import (
    Discriminator,
    Field,
    PlainValidator,
    SerializeAsAny,
    Tag,
    ValidationInfo,
    model_validator,
)

from glyphsr.config.base import Config, formerly
from glyphsr.config.plugins import load_plugin, plugin_names

Positive = Annotated[int, Field(ge=1, le=16_384)]
"""Channels and the like; the upper ends here keep a checkpoint's header from asking for more than any network needs."""
EvenWidth = Annotated[int, Field(ge=4, le=16_384, multiple_of=4)]
Layers = Annotated[int, Field(ge=1, le=64)]
LineHeight = Annotated[int, Field(ge=1, le=512)]


PLUGIN = "plugin"
"""Tag of networks of other packages in :data:`NetworkConfig`."""


class TrunkConfig(Config):
    """What every network of the TSRN lineage is made of, and which lines it takes."""

    kind: str = PLUGIN
    """Which network; each class of this package or of another has its own."""

    needs_prior: ClassVar[bool] = True
    """Whether a text prior guides it."""
    fixed_size: ClassVar[tuple[int, int] | None] = None
    """The only LR ``(height, width)`` it can take, ``None`` for any."""

    num_srbs: Layers = 5
    """Sequential residual blocks in the trunk (N)."""
    width: EvenWidth = 64
    """Channels of the trunk (C_sr)."""
    image_channels: Literal[3, 4] = 4
    """3 for RGB, 4 with the brightness mask of TextZoom's loader."""
    min_height: LineHeight = 16
    """Least line height in pixels that the network takes as it is; smaller lines are enlarged to it."""
    max_height: LineHeight = 16
    """Greatest line height in pixels that the network takes as it is; taller lines are handled at this height. Heights
    between multiples of 4 are enlarged to the next one."""
    window_aspect: Annotated[float, Field(gt=1.0, le=64.0)] = 4.0
    """Width of the window through which long lines pass, in line heights."""

    @property
    def glyph_perception(self) -> "GPMConfig | None":
        """Settings of the Glyph Perception Module; ``None`` for networks that perceive no glyphs."""
        return None

    @property
    def published_row(self) -> str | None:
        """Row of the paper's tables for published weights of this shape; ``None`` where the kind alone says it."""
        return None

    @property
    def reads_text(self) -> bool:
        """Whether the network reads the text on its own way to the picture, and can be taught to."""
        return False

    @model_validator(mode="after")
    def _check_heights(self) -> "TrunkConfig":
        if self.min_height > self.max_height:
            raise ValueError(f"min_height: expected at most max_height ({self.max_height}), got {self.min_height}")
        return self


class GPMConfig(Config):
    """Glyph Perception Module: its size and which of its tasks are learned (paper, Table 3)."""

    line: bool = True
    """Learn the mask of the whole line (L_line)."""
    char: bool = True
    """Learn one mask per character (L_char)."""
    cls: bool = True
    """Learn the class of each character (L_cls)."""
    width: EvenWidth = 128
    """Channels at full size."""
    levels: Literal[2, 3] = 2
    """Sizes of the feature pyramid: full and half as in the released code, or also a quarter as the paper says."""
    num_slots: Annotated[int, Field(ge=1, le=256)] = 16
    """Character slots: the paper's L = 15 and one for the end (the released code has 16)."""
    end_slot: bool = True
    """Keep the last slot for the end of the text; else as many characters as slots, the end only where it has room."""
    attention: Literal["softmax", "plain"] = "softmax"
    """Weights by which features are pooled into a class: the softmax over all places of the character map times the
    line map (released code), or that product itself (paper, eq. 3)."""
    class_features: Literal["projected", "trunk"] = "projected"
    """What is pooled: a 3 x 3 convolution of the trunk's features (released code), or the latter (paper, eq. 3)."""
    detach_classes: bool = False
    """Let L_cls teach the classifier alone, not the maps that it is pooled with; of no matter once trained."""
    num_classes: Positive = 39
    """Classes of a slot: 36 characters and three specials."""
    class_order: Literal["characters_first", "end_first"] = "characters_first"
    """``characters_first``: 0-9a-z, end, padding, unknown (ASTER's way); ``end_first``: end, 0-9a-z, start, padding
    (PARSeq's way). The published order is not known; the released weights' readings will show it."""


class GlyphSRConfig(TrunkConfig):
    """Shape of the GlyphSR network; the defaults are the paper's."""

    kind: Literal["glyphsr"] = "glyphsr"
    prior_width: EvenWidth = 32
    """Channels of the transformed prior (C_tp)."""
    prior_hidden: tuple[Positive, Positive, Positive] = (512, 128, 64)
    """Channels inside the prior transformer."""
    prior_layout: Literal["searched", "aligned"] = "searched"
    """``searched``: four transposed convolutions and a DSTA gate, as published; ``aligned``: each step of the prior is
    drawn where it lies along the line, for priors that say whose ink a column shows. Uses the first two of
    ``prior_hidden``."""
    block: Literal["sequential", "convolutional"] = "sequential"
    """``sequential``: the SRBs of the lineage; ``convolutional``: without their recurrent half, quicker on CPUs."""
    head_kernel: Literal[3, 5, 7, 9] = 9
    """Side of the last convolution, which runs at HR size."""
    gpm: GPMConfig = GPMConfig()
    """Glyph perception; with all three tasks off and no fusion the network is the paper's Baseline 1."""
    gfm_from: Layers | None = 4
    """First SRB, counted from 1, whose output the GFM fuses with glyphs (N_gly); null for no fusion."""
    gpm_at: Positive | None = None
    """SRB, counted from 1, whose output the GPM reads; null for ``gfm_from``, or without fusion the last one, as in the
    released code (the paper's N_gly = 4 is both modules' place)."""
    detach_fusion: bool = False
    """Let the SR losses teach the fusion alone, not the character maps that are fused; of no matter once trained."""
    output: Literal["tanh", "residual"] = "tanh"
    """``tanh`` as published; ``residual`` adds the network's output to the bicubic picture, with no tanh."""
    stn: bool = False
    """Carry the inactive spatial transformer of the released checkpoints."""

    @property
    def has_gpm(self) -> bool:
        """Whether anything needs the Glyph Perception Module."""
        return self.gfm_from is not None or self.gpm.line or self.gpm.char or self.gpm.cls

    @property
    def glyph_perception(self) -> GPMConfig | None:
        """Settings of the Glyph Perception Module, where anything needs it."""
        return self.gpm if self.has_gpm else None

    @property
    def published_row(self) -> str | None:
        """The paper's table of its network without fusion, whose weights are published too."""
        return "table2/no-gfm" if self.gfm_from is None else None

    @property
    def glyph_srb(self) -> int:
        """Number of the SRB whose output the GPM reads."""
        return self.gpm_at or self.gfm_from or self.num_srbs

    @model_validator(mode="after")
    def _check(self) -> "GlyphSRConfig":
        if self.gfm_from is not None and self.gfm_from > self.num_srbs:
            raise ValueError(f"gfm_from: expected 1..{self.num_srbs} (num_srbs) or null, got {self.gfm_from}")
        last = self.gfm_from or self.num_srbs
        if self.gpm_at is not None and self.gpm_at > last:
            bound = "gfm_from, whose maps it makes" if self.gfm_from else "num_srbs"
            raise ValueError(f"gpm_at: expected 1..{last} ({bound}) or null, got {self.gpm_at}")
        return self


class StraightenedConfig(TrunkConfig):
    """A network with a spatial transformer in front."""

    stn: bool = True
    """Straighten pictures with a spatial transformer while training, as published; at test time it rests."""


class PriorTrunkConfig(StraightenedConfig):
    """A network whose text prior passes through transposed convolutions."""

    prior_width: EvenWidth = 32
    """Channels of the transformed prior."""
    prior_hidden: tuple[Positive, Positive, Positive] = (512, 128, 64)
    """Channels inside the prior transformer."""


class TSRNConfig(StraightenedConfig):
    """TSRN, the TextZoom paper's network: the trunk alone."""

    needs_prior: ClassVar[bool] = False

    kind: Literal["tsrn"] = "tsrn"


class TGConfig(StraightenedConfig):
    """Text Gestalt's network: TSRN, trained to look at strokes."""

    needs_prior: ClassVar[bool] = False

    kind: Literal["tg"] = "tg"
    image_channels: Literal[3, 4] = 3
    """3 for RGB as published, 4 with the brightness mask."""


class TBSRNConfig(StraightenedConfig):
    """TBSRN of Scene Text Telescope: self-attention instead of the GRUs."""

    needs_prior: ClassVar[bool] = False

    kind: Literal["tbsrn"] = "tbsrn"
    image_channels: Literal[3, 4] = 3
    """3 for RGB as published, 4 with the brightness mask."""
    attention_heads: Positive = 4
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Rate inside the attention blocks, in training only."""


class CluedConfig(PriorTrunkConfig):
    """A network that can be guided by a language clue, too."""

    language_width: Annotated[int, Field(ge=8, multiple_of=8)] = 512
    """Features of the language model."""


class TSANConfig(StraightenedConfig):
    """TSAN: deep residual groups, with attention to what is alike by content and by gradient."""

    needs_prior: ClassVar[bool] = False

    kind: Literal["tsan"] = "tsan"
    image_channels: Literal[3, 4] = 3
    """3 for RGB as published, 4 with the brightness mask."""


class TPGSRConfig(PriorTrunkConfig):
    """TPGSR: the trunk guided by a text prior."""

    kind: Literal["tpgsr"] = "tpgsr"


class C3STISRConfig(CluedConfig):
    """C3-STISR: TPGSR's trunk with a taller prior transformer and, as its paper says, a language clue."""

    kind: Literal["c3stisr"] = "c3stisr"
    guidance: Annotated[Literal["recognition", "fused"], formerly("hint", now="guidance")] = "recognition"
    """What guides the blocks: ``recognition``, the text prior alone, which is what the released code uses whatever else
    its files hold; ``fused`` with what a language model makes of it, as in the paper."""

    @property
    def reads_text(self) -> bool:
        """Where there is a language model."""
        return self.guidance == "fused"


class RTSRNConfig(CluedConfig):
    """RTSRN: recurrent blocks with Wave-MLP, guided by recognition and language clue."""

    kind: Literal["rtsrn"] = "rtsrn"

    @property
    def reads_text(self) -> bool:
        """By its language model."""
        return True


class TATTConfig(StraightenedConfig):
    """TATT: every place of the picture attends to the text prior. Takes 16 x 64 pictures only."""

    fixed_size: ClassVar[tuple[int, int] | None] = (16, 64)

    kind: Literal["tatt"] = "tatt"
    attention_heads: Positive = 4
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Rate inside the attention layers, in training only."""
    mix_batch: bool = False
    """Let a picture's result depend on its place in the batch: a quirk of the published code, for its exact numbers."""


class LEMMAConfig(StraightenedConfig):
    """LEMMA: guided by where a reader of its own finds characters. Takes 16 x 64 pictures only."""

    needs_prior: ClassVar[bool] = False
    fixed_size: ClassVar[tuple[int, int] | None] = (16, 64)

    kind: Literal["lemma"] = "lemma"
    reader_width: EvenWidth = 32
    """Channels of the stem of its reader; the reader's features have 16 times as many."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Rate inside the attention layers, in training only."""

    @property
    def reads_text(self) -> bool:
        """By its reader."""
        return True


class PEANConfig(TrunkConfig):
    """PEAN: attention along strips, guided by an enhanced text prior. Takes 16 x 64 pictures only."""

    fixed_size: ClassVar[tuple[int, int] | None] = (16, 64)

    kind: Literal["pean"] = "pean"
    num_srbs: Positive = 1
    """Stacks of strip attention; published networks have one."""
    num_pairs: Positive = 6
    """Pairs of blocks in a stack: attention within rows and columns, then between them."""
    strip_heads: Positive = 16
    """Attention heads of the stacks; ``width`` is a multiple of it."""
    attention_heads: Positive = 4
    """Attention heads by which places see the text prior."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Rate inside the prior's attention layers, in training only."""
    mix_batch: bool = False
    """Let a picture's result depend on its place in the batch: a quirk of the published code, for its exact numbers."""
    enhancer_steps: Annotated[int, Field(ge=0)] = 0
    """Denoising steps by which TPEM enhances the text prior, 1 as published; 0 for a network without TPEM."""
    enhancer_seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    """Of the random start that TPEM enhances every picture's prior from."""
    auxiliary_reader: bool = False
    """Read the text in the network's features while it is trained, as published; at test time it rests."""

    @property
    def reads_text(self) -> bool:
        """By its auxiliary reader."""
        return self.auxiliary_reader

    @model_validator(mode="after")
    def _check(self) -> "PEANConfig":
        for heads in ("strip_heads", "attention_heads"):
            if self.width % getattr(self, heads):
                raise ValueError(f"{heads}: expected a divisor of width ({self.width}), got {getattr(self, heads)}")
        return self


def _tag(value: Any) -> str:
    """The union's branch for a network; configurations written before there was a choice do not name its kind."""
    kind = str(value.get("kind", "glyphsr") if isinstance(value, dict) else value.kind)
    return PLUGIN if kind not in _BUILT_IN and kind in plugin_names() else kind


def _of_plugin(value: Any, info: ValidationInfo) -> TrunkConfig:
    """Settings of another package's network, by the class that it brings."""
    if isinstance(value, TrunkConfig):
        return value
    settings: type[TrunkConfig] = load_plugin(str(value["kind"])).settings
    return settings.model_validate_json(json.dumps(value)) if info.mode == "json" else settings.model_validate(value)


NetworkConfig = Annotated[
    Annotated[GlyphSRConfig, Tag("glyphsr")]
    | Annotated[TSRNConfig, Tag("tsrn")]
    | Annotated[TBSRNConfig, Tag("tbsrn")]
    | Annotated[TPGSRConfig, Tag("tpgsr")]
    | Annotated[TATTConfig, Tag("tatt")]
    | Annotated[TGConfig, Tag("tg")]
    | Annotated[LEMMAConfig, Tag("lemma")]
    | Annotated[PEANConfig, Tag("pean")]
    | Annotated[TSANConfig, Tag("tsan")]
    | Annotated[C3STISRConfig, Tag("c3stisr")]
    | Annotated[RTSRNConfig, Tag("rtsrn")]
    | Annotated[SerializeAsAny[TrunkConfig], PlainValidator(_of_plugin), Tag(PLUGIN)],
    Discriminator(_tag),
]
"""Any super-resolution network; without ``kind`` it is GlyphSR."""

_BRANCHES = get_args(get_args(NetworkConfig)[0])
_BUILT_IN = frozenset(item.tag for branch in _BRANCHES for item in get_args(branch) if isinstance(item, Tag))
