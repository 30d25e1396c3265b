"""Finds lines of text in a photograph: PP-OCR's detector through ``rapidocr``."""

from importlib.metadata import version

import cv2
import numpy as np
from numpy.typing import NDArray

from glyphsr.errors import DataError
from glyphsr.ocr.rapidocr_engine import open_rapidocr
from glyphsr.system.memory import give_back_memory

LARGE = 1_000_000
"""Pixels from which the detector leaves much memory behind."""


class LineDetector:
    """The package's default detector.

    Raises:
        ConfigError: If ``rapidocr`` or ``onnxruntime`` is not installed.
    """

    def __init__(self) -> None:
        self._engine = open_rapidocr()
        self.version = f"rapidocr {version('rapidocr')} detector"

    def find(self, image: NDArray[np.uint8]) -> list[NDArray[np.float64]]:
        """Lines from top to bottom.

        Args:
            image: ``(H, W, 3)`` uint8 RGB.

        Returns:
            ``(4, 2)`` corners ``(x, y)`` of each, clockwise as the text is read, its upper left first.

        Raises:
            DataError: If the engine cannot take such a picture, e.g. since it is too narrow.
        """
        try:
            found = self._engine(cv2.cvtColor(image, cv2.COLOR_RGB2BGR), use_det=True, use_cls=False, use_rec=False)
        except Exception as error:  # whatever the engine's parts raise
            raise DataError(f"{self.version}: cannot look for lines in {image.shape[1]} x {image.shape[0]}") from error
        if image.shape[0] * image.shape[1] > LARGE:
            give_back_memory()
        boxes = getattr(found, "boxes", None)
        return [] if boxes is None else [np.asarray(box, np.float64) for box in boxes]
