"""PP-OCR's small line recognizer: a light convolutional backbone, an SVTR neck, CTC."""

from glyphsr.config.recognizers import PPOCRConfig
from glyphsr.nn.architecture import Architecture


class PPOCRArchitecture(Architecture):
    """PPOCR: its settings, and how its published files are recognised."""

    kind = "ppocr"
    settings = PPOCRConfig
    network = "glyphsr.recognizers.ppocr.network:PPOCR"
    signature = "linear_8.w_0"
