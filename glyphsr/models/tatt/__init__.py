"""TATT (Ma, Liang, Zhang, CVPR 2022): the text prior reaches every place by attention."""

from glyphsr.models.tatt.settings import TATTConfig
from glyphsr.nn.architecture import Architecture


class TATTArchitecture(Architecture):
    """TATT: its settings, and how its published files are recognised."""

    kind = "tatt"
    settings = TATTConfig
    network = "glyphsr.models.tatt.network:TATT"
    signature = "infoGen.init_factor.weight"
