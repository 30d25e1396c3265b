"""Tesseract through ``pytesseract``, set to one word per image."""

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
from numpy.typing import NDArray

from glyphsr.errors import ConfigError
from glyphsr.system.subprocess_env import child_environment
from glyphsr.types import Reading

OPTIONS = "--psm 8 --oem 1"
"""One word per picture, LSTM recognizer."""

ENLARGE = 2
BORDER_PX = 16
"""Tesseract wants tall letters and some room around them; words at line height 32 have neither."""

THREADS = 2
"""Each picture is a process of its own."""


class TesseractEngine:
    """The installed ``tesseract`` program.

    Raises:
        ConfigError: If ``pytesseract`` or the program is not installed.
    """

    def __init__(self) -> None:
        try:
            import pytesseract
        except ImportError as error:
            raise ConfigError("tesseract: pytesseract is not installed; pip install 'glyphsr[ocr]'") from error

        self._pytesseract = pytesseract
        try:
            self.version = f"tesseract {pytesseract.get_tesseract_version()}"
        except pytesseract.TesseractNotFoundError as error:
            raise ConfigError(
                "tesseract: the program is not installed; apt install tesseract-ocr (Debian, Ubuntu), "
                "brew install tesseract (macOS)"
            ) from error

    def _read_one(self, image: NDArray[np.uint8]) -> Reading:
        large = cv2.resize(image, None, fx=ENLARGE, fy=ENLARGE, interpolation=cv2.INTER_CUBIC)
        border = BORDER_PX
        large = cv2.copyMakeBorder(large, border, border, border, border, cv2.BORDER_REPLICATE)

        found = self._pytesseract.image_to_data(large, config=OPTIONS, output_type=self._pytesseract.Output.DICT)
        # Boxes without text are parts of the layout.
        words = [(text, float(sure)) for text, sure in zip(found["text"], found["conf"], strict=True) if text.strip()]
        confidence = min((sure for _, sure in words), default=0.0) / 100
        return Reading(" ".join(text for text, _ in words), max(0.0, confidence))

    def read(self, images: list[NDArray[np.uint8]]) -> list[Reading]:
        """``(H, W, 3)`` RGB pictures -> one reading each; the confidence is that of the least certain word."""
        # Each of its processes would start a thread per core for one word, and they would wait for each other. The
        # limit must not stay: torch's convolutions wait for ever in a process that starts with it.
        with child_environment({"OMP_THREAD_LIMIT": "1"}), ThreadPoolExecutor(THREADS) as pool:
            return list(pool.map(self._read_one, images))
