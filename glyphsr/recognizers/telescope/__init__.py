"""The transformer recognizer of Scene Text Telescope, and Text Gestalt's of the same shape, which reads strokes."""

from collections.abc import Collection

from glyphsr.config.recognizers import TelescopeConfig
from glyphsr.nn.architecture import Architecture


class TelescopeArchitecture(Architecture):
    """Telescope: its settings, and how its published files are recognised."""

    kind = "telescope"
    settings = TelescopeConfig
    network = "glyphsr.recognizers.telescope.network:Telescope"
    signature = "embedding_word.lut.weight"
    strokes_signature = "embedding_word_with_upperword.lut.weight"

    @classmethod
    def detect(cls, keys: Collection[str], *, image_channels: int | None = None) -> bool:
        """Whether a published file is of this kind; that of strokes has other names at its two ends."""
        return cls.strokes_signature in keys or super().detect(keys, image_channels=image_channels)
