"""Text Gestalt (Chen, Yu, Ma, Li, Xue, AAAI 2022): TSRN or TBSRN, trained to look at strokes."""

from glyphsr.models.tg.settings import TGConfig
from glyphsr.nn.architecture import Architecture


class TextGestaltArchitecture(Architecture):
    """TextGestalt: its settings, and how its published files are recognised."""

    kind = "tg"
    settings = TGConfig
    network = "glyphsr.models.tg.network:TextGestalt"
    signature = "block2.gru1.conv1.weight"
    image_channels = 3  # its files have TSRN's keys, without the mask as fourth channel
