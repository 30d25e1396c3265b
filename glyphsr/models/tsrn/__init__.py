"""TSRN (Wang et al., ECCV 2020): the TextZoom paper's baseline."""

from glyphsr.models.tsrn.settings import TSRNConfig
from glyphsr.nn.architecture import Architecture


class TSRNArchitecture(Architecture):
    """TSRN: its settings, and how its published files are recognised."""

    kind = "tsrn"
    settings = TSRNConfig
    network = "glyphsr.models.tsrn.network:TSRN"
    signature = "block2.gru1.conv1.weight"
