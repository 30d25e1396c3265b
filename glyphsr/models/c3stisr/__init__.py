"""C3-STISR (Zhao, Wang, Xue, Li, IJCAI 2022): text priors by recognition and by language."""

from glyphsr.models.c3stisr.settings import C3STISRConfig
from glyphsr.nn.architecture import Architecture


class C3STISRArchitecture(Architecture):
    """C3STISR: its settings, and how its published files are recognised."""

    kind = "c3stisr"
    settings = C3STISRConfig
    network = "glyphsr.models.c3stisr.network:C3STISR"
    signature = "infoGen_ling.tconv1.weight"
