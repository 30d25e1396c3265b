"""RTSRN (Zhang et al., 2023): recurrent residual blocks with Wave-MLP, guided by two clues."""

from glyphsr.models.rtsrn.settings import RTSRNConfig
from glyphsr.nn.architecture import Architecture


class RTSRNArchitecture(Architecture):
    """RTSRN: its settings, and how its published files are recognised."""

    kind = "rtsrn"
    settings = RTSRNConfig
    network = "glyphsr.models.rtsrn.network:RTSRN"
    signature = "block2.wave_mlp.norm1.weight"
