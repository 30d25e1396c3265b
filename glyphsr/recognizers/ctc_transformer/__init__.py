"""Convolutions, a transformer along the line, CTC: made to read low resolution quickly."""

from glyphsr.config.recognizers import CTCTransformerConfig
from glyphsr.nn.architecture import Architecture


class CTCTransformerArchitecture(Architecture):
    """CTCTransformer: its settings, and how its published files are recognised."""

    kind = "ctc_transformer"
    settings = CTCTransformerConfig
    network = "glyphsr.recognizers.ctc_transformer.network:CTCTransformer"
