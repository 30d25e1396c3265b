"""Who reads lines beside the network: an OCR engine, or one of our recognizers, on plain arrays."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from glyphsr.ocr.engine import ENGINES, OCREngine, open_engine
from glyphsr.types import Reading


class LineReader(Protocol):
    """Reads pictures of lines."""

    name: str
    """Engine, or whose weights."""

    def read(self, pictures: Sequence[NDArray[np.float32]]) -> list[Reading]:
        """``(H, W, 3)`` float32 about [0, 1] -> one reading each."""
        ...


class EngineLineReader:
    """An OCR engine; it sees what a saved 8-bit picture shows."""

    def __init__(self, name: str, engine: OCREngine) -> None:
        self.name = name
        self.engine = engine

    def read(self, pictures: Sequence[NDArray[np.float32]]) -> list[Reading]:
        """As :meth:`LineReader.read`."""
        return self.engine.read([np.asarray((picture.clip(0, 1) * 255).round(), np.uint8) for picture in pictures])


def open_line_reader(text: str, *, device: str = "cpu", offline: bool = False, option: str) -> LineReader:
    """A reader from ``name`` or ``name=file``; torch is imported only for recognizers of ours.

    Args:
        text: Who.
        device: Where recognizers of ours read.
        offline: Never fetch weights.
        option: By which it was asked for; errors name it.

    Raises:
        ConfigError: If there is no such reader, or an engine is not installed.
        WeightsError: If a recognizer's weights are not here or are another one's.
    """
    if text in ENGINES:
        return EngineLineReader(text, open_engine(text))
    from glyphsr.ocr.readers import open_recognizer_lines

    return open_recognizer_lines(text, device=device, offline=offline, option=option)
