"""PARSeq: a ViT encoder and a two-stream decoder that reads in any order."""

from glyphsr.config.recognizers import PARSeqConfig
from glyphsr.nn.architecture import Architecture


class PARSeqArchitecture(Architecture):
    """What the library knows of PARSeq: its settings, and how its published files are recognised."""

    kind = "parseq"
    settings = PARSeqConfig
    network = "glyphsr.recognizers.parseq.network:PARSeq"
    signature = "pos_queries"
