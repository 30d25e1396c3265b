"""How large, deep and long a file may be that we read; each limit is an environment variable."""

import os
from dataclasses import dataclass

from glyphsr.errors import ConfigError, GlyphSRError


@dataclass(frozen=True)
class Limit:
    """Something that files may have only so much of.

    Attributes:
        variable: Environment variable that sets it.
        default: Where that is not set.
        unit: What is counted.
    """

    variable: str
    default: int
    unit: str

    @property
    def value(self) -> int:
        """The limit in force.

        Raises:
            ConfigError: If the variable is set to something else than a whole number above 0.
        """
        text = os.environ.get(self.variable)
        if not text:
            return self.default
        if not (text.isascii() and text.isdecimal() and len(text) < 19 and int(text) > 0):
            raise ConfigError(f"environment: {self.variable}: expected a whole number above 0, got {text[:40]!r}")
        return int(text)

    def check(self, found: int, where: object, error: type[GlyphSRError]) -> None:
        """Refuse more than that.

        Raises:
            GlyphSRError: Of the given class, naming the limit and the variable that raises it.
        """
        if found > self.value:
            raise error(f"{where}: {found:,} {self.unit}, at most {self.value:,} ({self.variable} sets the limit)")


PICTURE_PIXELS = Limit("GLYPHSR_MAX_PICTURE_PIXELS", 64_000_000, "pixels")
WORD_PIXELS = Limit("GLYPHSR_MAX_WORD_PIXELS", 16_000_000, "pixels in the picture of a word")
PICTURE_BYTES = Limit("GLYPHSR_MAX_PICTURE_BYTES", 256 << 20, "bytes in a picture")
PAGES = Limit("GLYPHSR_MAX_PAGES", 5_000, "pages")
DOCUMENT_BYTES = Limit("GLYPHSR_MAX_DOCUMENT_BYTES", 64 << 20, "bytes of text")
DOCUMENT_ITEMS = Limit("GLYPHSR_MAX_DOCUMENT_ITEMS", 4_000_000, "values")
DOCUMENT_DEPTH = Limit("GLYPHSR_MAX_DOCUMENT_DEPTH", 64, "levels of nesting")
SETTINGS_BYTES = Limit("GLYPHSR_MAX_SETTINGS_BYTES", 1 << 20, "bytes of settings")
SETTINGS_ITEMS = Limit("GLYPHSR_MAX_SETTINGS_ITEMS", 100_000, "settings")
LABEL_BYTES = Limit("GLYPHSR_MAX_LABEL_BYTES", 10_000, "bytes in a label")
BOXES = Limit("GLYPHSR_MAX_BOXES", 20_000, "boxes")
ONNX_BYTES = Limit("GLYPHSR_MAX_ONNX_BYTES", 256 << 20, "bytes in an ONNX file")
GRAPH_BYTES = Limit("GLYPHSR_MAX_GRAPH_BYTES", 4 << 30, "bytes of memory for a graph")
FONT_BYTES = Limit("GLYPHSR_MAX_FONT_BYTES", 256 << 20, "bytes in a font")
NETWORK_BYTES = Limit("GLYPHSR_MAX_NETWORK_BYTES", 512 << 20, "bytes in a checkpoint")
SHARD_BYTES = Limit("GLYPHSR_MAX_SHARD_BYTES", 1 << 30, "bytes in a tar file")
WEIGHTS_BYTES = Limit("GLYPHSR_MAX_WEIGHTS_BYTES", 8 << 30, "bytes of weights")

LIMITS = (
    *(PICTURE_PIXELS, WORD_PIXELS, PICTURE_BYTES, PAGES, DOCUMENT_BYTES, DOCUMENT_ITEMS, DOCUMENT_DEPTH),
    *(SETTINGS_BYTES, SETTINGS_ITEMS, LABEL_BYTES, BOXES, ONNX_BYTES, GRAPH_BYTES, FONT_BYTES),
    NETWORK_BYTES,
    SHARD_BYTES,
    WEIGHTS_BYTES,
)
"""All of them; the documentation lists them, and the settings reader knows their variables."""
