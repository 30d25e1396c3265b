"""TBSRN (Chen, Li, Xue, CVPR 2021): the network of Scene Text Telescope."""

from glyphsr.models.tbsrn.settings import TBSRNConfig
from glyphsr.nn.architecture import Architecture


class TBSRNArchitecture(Architecture):
    """TBSRN: its settings, and how its published files are recognised."""

    kind = "tbsrn"
    settings = TBSRNConfig
    network = "glyphsr.models.tbsrn.network:TBSRN"
    signature = "block2.feature_enhancer.linear.weight"
