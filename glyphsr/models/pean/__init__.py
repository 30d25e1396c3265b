"""PEAN (Zhao et al., ACM MM 2024): attention along strips, guided by a text prior that a diffusion step enhances."""

from glyphsr.models.pean.settings import PEANConfig
from glyphsr.nn.architecture import Architecture


class PEANArchitecture(Architecture):
    """PEAN: its settings, and how its published files are recognised."""

    kind = "pean"
    settings = PEANConfig
    network = "glyphsr.models.pean.network:PEAN"
    signature = "block2.Trans_block_1.attention_norm.weight"
