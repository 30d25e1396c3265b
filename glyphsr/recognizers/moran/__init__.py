"""MORAN v2: rectifier, residual encoder, attention decoders in both directions."""

from glyphsr.config.recognizers import MORANConfig
from glyphsr.nn.architecture import Architecture


class MORANArchitecture(Architecture):
    """MORAN: its settings, and how its published files are recognised."""

    kind = "moran"
    settings = MORANConfig
    network = "glyphsr.recognizers.moran.network:MORAN"
    signature = "MORN.cnn.1.weight"
