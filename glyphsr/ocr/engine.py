"""What an OCR engine offers, and which there are."""

import importlib
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from glyphsr.types import Reading

ENGINES: dict[str, tuple[str, str]] = {
    "easyocr": ("glyphsr.ocr.easyocr_engine", "EasyOCREngine"),
    "rapidocr": ("glyphsr.ocr.rapidocr_engine", "RapidOCREngine"),
    "tesseract": ("glyphsr.ocr.tesseract_engine", "TesseractEngine"),
}
"""Name -> module and class; imported when asked for, since their packages are an extra."""


class OCREngine(Protocol):
    """Reads pictures of single words or lines."""

    version: str
    """Engine, model and version, for reports."""

    def read(self, images: list[NDArray[np.uint8]]) -> list[Reading]:
        """``(H, W, 3)`` RGB pictures -> one reading each."""
        ...


def open_engine(name: str) -> OCREngine:
    """Start an engine by name.

    Raises:
        ConfigError: If its package or program is not installed; the message has the line that installs it.
    """
    module, kind = ENGINES[name]
    engine: OCREngine = getattr(importlib.import_module(module), kind)()
    return engine
