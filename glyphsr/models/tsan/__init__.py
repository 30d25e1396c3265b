"""TSAN (Zhu et al., AAAI 2023): attention to strokes through the picture's gradient."""

from glyphsr.models.tsan.settings import TSANConfig
from glyphsr.nn.architecture import Architecture


class TSANArchitecture(Architecture):
    """TSAN: its settings, and how its published files are recognised."""

    kind = "tsan"
    settings = TSANConfig
    network = "glyphsr.models.tsan.network:TSAN"
    signature = "gwam.conv_match.0.weight"
