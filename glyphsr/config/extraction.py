"""Settings of ``glyphsr extract``."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from glyphsr.config.base import COMPUTE, DATA, FORMERLY_SHARES, Config, Flag, split_text

METHOD = "Method"


SamType = Literal["vit_b", "vit_l", "vit_h"]
SamLayout = Literal["padded", "mosaic", "crop"]
AnchorOrder = Literal["paper", "ink"]
SelectionRule = Literal["paper", "guarded"]
Refinement = Literal["none", "intersect"]
Steps = Annotated[tuple[Annotated[float, Field(gt=0, allow_inf_nan=False)], ...], BeforeValidator(split_text)]
Fraction = Annotated[float, Field(ge=0, le=1)]

SAM_ONLY = ("sam_checkpoint", "sam_type", "sam_layout", "multimask", "steps", "anchors")
"""Settings of prompts and of who answers them; ink needs none."""

ATTENTION_ONLY = ("recognizer", "glyph_recognizer")
"""Settings of recognizers, which cuts do without."""


class KeyPointConfig(Config):
    """How attention becomes key points; the paper names the steps, not their parameters."""

    heads: Literal["mean", "max"] = "mean"
    """How the heads of an attention become one map; the mean is what attention visualisations show."""
    threshold: Fraction = 0.5
    """Of each step's greatest attention; keeps the half-maximum region, as a full width at half maximum does."""
    opening: Literal[0, 3, 5, 7, 9] = 3
    """Side in pixels of the morphological opening that removes specks below one cell of the attention; 0 for none."""
    centre: Literal["mass", "box"] = "mass"
    """Centre of the strongest component: of its attention, or of its bounding box."""
    rectangle: Literal["rotated", "upright"] = "rotated"
    """Kind of minimum bounding rectangle around the glyph attention; rotated is what the word minimum asks for."""
    column_threshold: Fraction = 0.3
    """Of each step's greatest column attention; columns below do not belong to the character's glyph attention."""
    foreground: Literal["kmeans", "ink"] = "kmeans"
    """Line mask in the glyph attention: gray clusters as SIGA's, or our ink in colour."""
    min_area: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.05
    """Glyph attention of fewer pixels than this fraction of a character's expected ink counts as unusable."""


class ExtractConfig(Config):
    """How glyph masks are extracted; field names are the command's flags. Lengths are pixels at line height 32."""

    model_config = FORMERLY_SHARES

    segmenter: Annotated[Literal["auto", "sam", "ink"], Flag(METHOD)] = "auto"
    """``sam``: Segment Anything. ``ink``: without weights. ``auto``: SAM where a checkpoint is given or stored."""
    sam_checkpoint: Annotated[str | None, Flag(METHOD)] = None
    """Published SAM file, or a name such as sam-vit-h."""
    sam_type: Annotated[SamType | None, Flag(METHOD, default="read off the file")] = None
    """Which SAM the file must hold; read off the file by default."""
    sam_layout: Annotated[SamLayout, Flag(METHOD)] = "padded"
    """``padded`` encodes as SAM does. ``mosaic`` (four lines a canvas) and ``crop`` are faster and must pass a test."""
    multimask: bool = True
    """Three masks per prompt, all candidates, as SAM's authors advise for single points; else one."""
    localizer: Annotated[Literal["auto", "attention", "cuts", "checked"], Flag(METHOD)] = "auto"
    """``attention``: where a recognizer looks. ``cuts``: from the ink and the text. ``checked``: the former verified by
    the latter. ``auto``: attention where the recognizer's weights are available, else cuts."""
    recognizer: Annotated[str, Flag(METHOD)] = "telescope"
    """Whose position attention (key point 1): a name or file of Telescope, ASTER, MORAN, PARSeq, SIGA, CRNN or CTC
    transformer weights."""
    glyph_recognizer: Annotated[str | None, Flag(METHOD, default="siga if stored, else kmeans")] = None
    """Whose glyph attention (key point 2): ``siga`` or a file of its weights; ``kmeans`` for line masks under the
    columns that ``recognizer`` attends to. Null: SIGA where its weights are stored, else k-means."""
    profile: Annotated[Literal["standard", "paper", "robust"], Flag(METHOD)] = "standard"
    """``paper``: whatever the paper sets (32 x 128, two attentions, SAM), without our filters. ``robust``: anchors on
    ink first, guarded selection, masks cut to ink so that counters stay open."""
    steps: Annotated[Steps, Flag(METHOD)] = (2.0, 4.0)
    """Shifts of each key point up, down, left and right."""
    threshold: Annotated[Fraction, Flag(METHOD)] = 0.8
    """Least confidence of a mask."""
    anchors: AnchorOrder | None = None
    """``paper``: every anchor is a prompt. ``ink``: only those on ink. Default by profile."""
    rule: SelectionRule | None = None
    """``guarded`` drops masks of unlikely size or reach before choosing. Default by profile."""
    refine: Refinement | None = None
    """``intersect`` keeps of each mask what is ink. Default by profile."""
    max_line_fraction: Annotated[float, Field(gt=0, le=1)] | None = None
    """Masks that cover more of the picture are no character's; 1 keeps all. Default 0.5, with profile paper 1."""
    when_none_passes: Literal["best", "empty"] = "best"
    """No mask above the threshold: choose among all, or leave the character empty. The meta says so either way."""
    frame: Literal["natural", "paper"] | None = None
    """Pictures are worked on at height 32 in their own aspect, or squeezed to 32 x 128 as the paper's loader does.
    Default by profile."""
    key_points: KeyPointConfig = KeyPointConfig()
    data_root: Annotated[str | None, Flag(DATA)] = None
    """Folder of TextZoom; else $GLYPHSR_DATA, ./data/TextZoom, ./TextZoom, or the sample set if there is none."""
    limit: Annotated[Annotated[int, Field(ge=1)] | None, Flag(DATA)] = None
    """Only the first so many samples."""
    device: Annotated[str, Flag(COMPUTE)] = "auto"
    """auto, cpu, cuda, cuda:N or mps."""
    precision: Annotated[Literal["auto", "fp32", "bf16", "fp16"], Flag(COMPUTE)] = "auto"
    """Of SAM; ``auto`` is fp32 here, since anything less changes masks a little."""
    batch_size: Annotated[Annotated[int, Field(ge=1)] | Literal["auto"], Flag(COMPUTE)] = "auto"
    """Prompts that SAM decodes at once; halved when memory runs out."""
    workers: Annotated[Annotated[int, Field(ge=1)] | Literal["auto"], Flag(COMPUTE)] = "auto"
    """Processes; as many as the machine has cores, with a GPU one."""
    engine: Annotated[Literal["local", "ray"], Flag(COMPUTE)] = "local"
    """``local``: this machine. ``ray``: the workers of a Ray cluster."""
    address: Annotated[str | None, Flag(COMPUTE, default="one on this machine")] = None
    """Of the Ray cluster; ``auto`` for the one that this machine belongs to."""
    seed: Annotated[int, Flag(COMPUTE, hidden=True)] = 0
    """Nothing is drawn at random; part of every command."""
    offline: Annotated[bool, Flag(COMPUTE)] = False
    """Never fetch weights."""

    @model_validator(mode="after")
    def _check(self) -> "ExtractConfig":
        """Refuse what would have no effect."""
        idle = {"segmenter": ("ink", SAM_ONLY), "localizer": ("cuts", ATTENTION_ONLY)}
        for part, (value, names) in idle.items():
            if getattr(self, part) != value:
                continue
            for name in names:
                if getattr(self, name) != type(self).model_fields[name].get_default():
                    raise ValueError(f"{name}: of no effect with {part} {value!r}; leave it away")
        return self

    @property
    def squeezes(self) -> bool:
        """Whether pictures are brought to 32 x 128."""
        return (self.frame or ("paper" if self.profile == "paper" else "natural")) == "paper"

    @property
    def line_fraction(self) -> float:
        """Fraction of the picture above which a mask is no character's."""
        return self.max_line_fraction or (1.0 if self.profile == "paper" else 0.5)

    @property
    def localizer_name(self) -> str:
        """The localizer; profile paper asks for attention."""
        return "attention" if (self.localizer, self.profile) == ("auto", "paper") else self.localizer

    @property
    def resolved(self) -> dict[str, Any]:
        """Settings that the profile decides where they are not set, by name."""
        return {
            "anchors": self.anchor_order,
            "rule": self.selection_rule,
            "refine": self.refinement,
            "max_line_fraction": self.line_fraction,
            "frame": "paper" if self.squeezes else "natural",
        } | ({} if self.separates else {"separate": False})

    @property
    def separates(self) -> bool:
        """Whether characters whose attention lies in one place are moved apart, which the paper does not do."""
        return self.profile != "paper"

    @property
    def anchor_order(self) -> AnchorOrder:
        """The profile's, unless set."""
        return self.anchors or ("ink" if self.profile == "robust" else "paper")

    @property
    def selection_rule(self) -> SelectionRule:
        """The profile's, unless set."""
        return self.rule or ("guarded" if self.profile == "robust" else "paper")

    @property
    def refinement(self) -> Refinement:
        """The profile's, unless set."""
        return self.refine or ("intersect" if self.profile == "robust" else "none")
