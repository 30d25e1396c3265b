"""PP-OCR through ``rapidocr``: its recognizer alone, on pictures that are one word already."""

import logging
import warnings
from importlib.metadata import version
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from glyphsr.errors import ConfigError
from glyphsr.types import Reading


def open_rapidocr() -> Any:
    """The package's default models, loaded.

    Raises:
        ConfigError: If ``rapidocr`` or ``onnxruntime`` is not installed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of its dependencies, on import
            import onnxruntime  # noqa: F401 - rapidocr would only complain at the first picture
            from rapidocr import RapidOCR
    except ImportError as error:
        raise ConfigError(f"rapidocr: not installed ({error.name}); pip install rapidocr onnxruntime") from error

    engine = RapidOCR(params={"Global.log_level": "critical"})
    logging.getLogger("RapidOCR").setLevel(logging.CRITICAL)
    return engine


class RapidOCREngine:
    """The package's default model; its onnxruntime session fills the cores with one picture at a time.

    Raises:
        ConfigError: If ``rapidocr`` or ``onnxruntime`` is not installed.
    """

    def __init__(self) -> None:
        self._engine = open_rapidocr()
        self.version = f"rapidocr {version('rapidocr')}, {self._model_name()}"

    def _model_name(self) -> str:
        try:
            rec = self._engine.cfg.Rec
            return f"{rec.ocr_version.value} {rec.model_type.value}"
        except AttributeError:  # another layout of its settings
            return "default model"

    def read(self, images: list[NDArray[np.uint8]]) -> list[Reading]:
        """``(H, W, 3)`` RGB pictures -> one reading each, with the engine's own confidence."""
        readings = []
        for image in images:
            found = self._engine(cv2.cvtColor(image, cv2.COLOR_RGB2BGR), use_det=False, use_cls=False, use_rec=True)
            texts = getattr(found, "txts", None) or ()
            scores = getattr(found, "scores", None) or (0.0,)
            readings.append(Reading("".join(texts).strip(), float(min(scores)) if texts else 0.0))
        return readings
