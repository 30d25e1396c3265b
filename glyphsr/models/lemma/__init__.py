"""LEMMA (Guo et al., IJCAI 2023): the network looks where it has found the characters."""

from glyphsr.models.lemma.settings import LEMMAConfig
from glyphsr.nn.architecture import Architecture


class LEMMAArchitecture(Architecture):
    """LEMMA: its settings, and how its published files are recognised."""

    kind = "lemma"
    settings = LEMMAConfig
    network = "glyphsr.models.lemma.network:LEMMA"
    signature = "guidanceGen.text_proj.weight"
