"""CRNN: convolutions, two bidirectional LSTMs, CTC."""

from glyphsr.config.recognizers import CRNNConfig
from glyphsr.nn.architecture import Architecture


class CRNNArchitecture(Architecture):
    """CRNN: its settings, and how its published files are recognised."""

    kind = "crnn"
    settings = CRNNConfig
    network = "glyphsr.recognizers.crnn.network:CRNN"
    signature = "cnn.conv0.weight"
