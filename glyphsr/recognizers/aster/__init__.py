"""ASTER: thin-plate-spline rectifier, residual encoder, attention decoder with beam search."""

from glyphsr.config.recognizers import ASTERConfig
from glyphsr.nn.architecture import Architecture


class ASTERArchitecture(Architecture):
    """ASTER: its settings, and how its published files are recognised."""

    kind = "aster"
    settings = ASTERConfig
    network = "glyphsr.recognizers.aster.network:ASTER"
    signature = "decoder.decoder.tgt_embedding.weight"
