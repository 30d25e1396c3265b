"""The transformer recognizer of Scene Text Telescope."""

from glyphsr.config.recognizers import TelescopeConfig
from glyphsr.nn.architecture import Architecture


class TelescopeArchitecture(Architecture):
    """Telescope: its settings, and how its published files are told."""

    kind = "telescope"
    settings = TelescopeConfig
    network = "glyphsr.recognizers.telescope.network:Telescope"
    signature = "embedding_word.lut.weight"
