"""SIGA: reads with the help of glyphs that it segments itself; the paper's source of glyph attention."""

from glyphsr.config.recognizers import SIGAConfig
from glyphsr.nn.architecture import Architecture


class SIGAArchitecture(Architecture):
    """SIGA: its settings, and how its published files are recognised."""

    kind = "siga"
    settings = SIGAConfig
    network = "glyphsr.recognizers.siga.network:SIGA"
    signature = "model_two.Attention_Cls.seg_cls.weight"
