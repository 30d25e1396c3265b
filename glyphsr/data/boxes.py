"""Boxes of text lines from a JSON file."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glyphsr.errors import DataError

FORMS = (
    "a list of [x0, y0, x1, y1], of four points [[x, y], ...] from the text's upper left clockwise, or of objects with "
    '"box" or "points" and maybe "text"'
)


@dataclass(frozen=True, eq=False)
class TextBox:
    """One line of text in a picture."""

    quad: NDArray[np.float64]
    """``(4, 2)``: corners ``(x, y)`` in pixels, clockwise as the text is read, its upper left first."""
    text: str | None = None
    """What it says, where that is known."""


def box_of(value: Any) -> TextBox:
    """A box in one of the forms that a file may have.

    Raises:
        ValueError: If it is none of them.
    """
    text = None
    if isinstance(value, dict):
        text = value.get("text", value.get("transcription"))
        value = value.get("box", value.get("points"))
    if text is not None and not isinstance(text, str):
        raise ValueError(f"text: expected a string, got {text!r}")
    try:
        numbers = np.asarray(value, np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"expected {FORMS}, got {value!r}") from error
    if numbers.shape == (4,):
        x0, y0, x1, y1 = numbers
        numbers = np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], np.float64)
    elif numbers.shape == (8,):
        numbers = numbers.reshape(4, 2)
    if numbers.shape != (4, 2) or not np.isfinite(numbers).all():
        raise ValueError(f"expected {FORMS}, got {value!r}")
    x, y = numbers.T
    area = float((x * np.roll(y, -1) - y * np.roll(x, -1)).sum() / 2)
    if area <= 0:
        raise ValueError(f"expected corners clockwise from the upper left, with an area, got {numbers.tolist()}")
    return TextBox(numbers, text)


def read_boxes(path: Path) -> list[TextBox]:
    """Boxes of one picture.

    Args:
        path: JSON: a list, or an object with ``boxes`` or ``regions`` in it, such as a report of ours.

    Raises:
        DataError: If the file cannot be read or holds something else.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: not readable as JSON: {error}") from error
    if isinstance(document, dict):
        document = document.get("boxes", document.get("regions"))
    if not isinstance(document, list):
        raise DataError(f"{path}: expected {FORMS}")
    boxes = []
    for number, value in enumerate(document, 1):
        try:
            boxes.append(box_of(value))
        except ValueError as error:
            raise DataError(f"{path}: box {number}: {error}") from error
    return boxes
