"""The paper's network: SR branch, prior transformer, glyph perception and glyph fusion."""

from glyphsr.models.glyphsr.settings import GlyphSRConfig
from glyphsr.nn.architecture import Architecture


class GlyphSRArchitecture(Architecture):
    """GlyphSR: its settings, and how its published files are recognised."""

    kind = "glyphsr"
    settings = GlyphSRConfig
    network = "glyphsr.models.glyphsr.network:GlyphSR"
    signature = "dsta_rec.conv1.weight"
