"""TPGSR (Ma, Guo, Zhang, 2021): TSRN guided by a text prior."""

from glyphsr.models.tpgsr.settings import TPGSRConfig
from glyphsr.nn.architecture import Architecture


class TPGSRArchitecture(Architecture):
    """TPGSR: its settings, and how its published files are recognised."""

    kind = "tpgsr"
    settings = TPGSRConfig
    network = "glyphsr.models.tpgsr.network:TPGSR"
    signature = "infoGen.tconv1.weight"
