"""Boxes of text lines from a JSON file."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glyphsr.errors import DataError
from glyphsr.safe_reading.limits import BOXES
from glyphsr.safe_reading.text_files import read_json, shorten

FORMS = (
    "a list of [x0, y0, x1, y1], of four points [[x, y], ...] from the text's upper left clockwise, or of objects with "
    '"box" or "points" and maybe "text"'
)


@dataclass(frozen=True, eq=False)
class TextBox:
    """One line of text in a picture."""

    quad: NDArray[np.float64]
    """``(4, 2)``: corners ``(x, y)`` in pixels from the picture's corner, so that a box of all of it ends at its width
    and height; clockwise as the text is read, its upper left first."""
    text: str | None = None
    """What it says, where that is known."""


def box_of(value: Any) -> TextBox:
    """A box in one of the forms that a file may have.

    Raises:
        ValueError: If it is none of them.
    """
    text = None
    # An object: PaddleOCR calls its text "transcription".
    if isinstance(value, dict):
        text = value.get("text", value.get("transcription"))
        value = value.get("box", value.get("points"))

    if text is not None and not isinstance(text, str):
        raise ValueError(f"text: expected a string, got {shorten(text)}")

    try:
        numbers = np.asarray(value, np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"expected {FORMS}, got {shorten(value)}") from error

    # All forms become four corners, clockwise from the upper left.
    if numbers.shape == (4,):
        x0, y0, x1, y1 = numbers
        numbers = np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], np.float64)
    elif numbers.shape == (8,):
        numbers = numbers.reshape(4, 2)

    if numbers.shape != (4, 2) or not np.isfinite(numbers).all():
        raise ValueError(f"expected {FORMS}, got {shorten(value)}")

    # Neighbouring sides turn right at every corner, in pictures whose y points down.
    sides = np.roll(numbers, -1, axis=0) - numbers
    after = np.roll(sides, -1, axis=0)
    if (sides[:, 0] * after[:, 1] - sides[:, 1] * after[:, 0] <= 0).any():
        raise ValueError(
            f"expected the corners of a convex box, clockwise from the upper left, got {shorten(numbers.tolist())}"
        )

    return TextBox(numbers, text)


def read_boxes(path: Path) -> list[TextBox]:
    """Boxes of one picture.

    Args:
        path: JSON: a list, or an object with ``boxes`` or ``regions`` in it, or a report of ours of one picture.

    Raises:
        DataError: If the file cannot be read or holds something else.
    """
    # The report of `upscale` on one picture is a file of boxes, too.
    document = read_json(path)
    if isinstance(document, dict) and isinstance(document.get("pictures"), list) and len(document["pictures"]) == 1:
        document = document["pictures"][0]

    if isinstance(document, dict):
        document = document.get("boxes", document.get("regions"))

    if not isinstance(document, list):
        raise DataError(f"{path}: expected {FORMS}")

    BOXES.check(len(document), path, DataError)

    boxes = []
    for number, value in enumerate(document, 1):
        try:
            boxes.append(box_of(value))
        except ValueError as error:
            raise DataError(f"{path}: box {number}: {error}") from error

    return boxes
