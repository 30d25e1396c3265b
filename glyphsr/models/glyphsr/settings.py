"""Settings of GlyphSR."""

from typing import Literal

from pydantic import model_validator

from glyphsr.config.glyph_perception import GPMConfig
from glyphsr.config.ranges import EvenWidth, Layers, Positive
from glyphsr.config.trunk import TrunkConfig


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
        # Maps must be there when they are fused.
        last = self.gfm_from or self.num_srbs
        if self.gpm_at is not None and self.gpm_at > last:
            bound = "gfm_from, whose maps it makes" if self.gfm_from else "num_srbs"
            raise ValueError(f"gpm_at: expected 1..{last} ({bound}) or null, got {self.gpm_at}")
        return self
