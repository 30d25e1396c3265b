"""Distances between the glyphs of any two characters, from the package's table or another one."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from glyphsr.errors import DataError
from glyphsr.losses.text_focus import TABLE_ORDER
from glyphsr.safe_reading.text_files import read_json

OWN_TABLE = Path(__file__).parent / "confusion.json"
"""Made by ``recipes/confusion_table.py`` from rendered glyphs."""


def load_distances(path: Path | None = None) -> Tensor:
    """A table of distances between the glyphs of 62 characters.

    Args:
        path: JSON: rows of numbers, alone or under ``distances``; default is the package's own. The published table is
            a pickle, which could run code; ``recipes/convert_confusion_table.py`` takes the numbers out of it.

    Returns:
        ``(62, 62)`` float32, not negative, in the order digits, A-Z, a-z.

    Raises:
        DataError: If it cannot be read, has another shape, or holds values that are no distances.
    """
    path = path or OWN_TABLE
    if path.suffix.lower() != ".json":
        raise DataError(
            f"{path}: expected a .json file; recipes/convert_confusion_table.py makes one of the published pickle, "
            "which is not read since it could run code"
        )

    # A bare table, or a document that holds one under `distances`.
    document = read_json(path)
    try:
        values = np.asarray(document["distances"] if isinstance(document, dict) else document, np.float32)
    except (ValueError, TypeError, KeyError, OverflowError) as error:
        raise DataError(f"{path}: not a table of distances: {error}") from error

    size = len(TABLE_ORDER)
    if values.shape != (size, size):
        raise DataError(f"{path}: expected a table of {size} x {size}, got {' x '.join(map(str, values.shape))}")

    if not (np.isfinite(values).all() and (values >= 0).all()):
        raise DataError(f"{path}: expected distances of 0 or more, all of them finite")

    return torch.from_numpy(values)
