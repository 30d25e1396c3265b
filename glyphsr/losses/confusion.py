"""Tables of how far the glyphs of any two characters are apart: the package's own, or a published one."""

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from glyphsr.errors import DataError
from glyphsr.losses.text_focus import TABLE_ORDER

OWN_TABLE = Path(__file__).parent / "confusion.json"
"""Made by ``recipes/confusion_table.py`` from rendered glyphs."""


class _NumbersOnly(pickle.Unpickler):
    """Unpickles lists, numbers and NumPy arrays; anything else could run code."""

    def find_class(self, module: str, name: str) -> Any:
        """As :meth:`pickle.Unpickler.find_class`."""
        harmless = {"_reconstruct", "ndarray", "dtype", "scalar"}
        if module.split(".")[0] == "numpy" and name in harmless:
            return super().find_class(module.replace("numpy.core", "numpy._core"), name)
        if (module, name) == ("_codecs", "encode"):
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"{module}.{name} is no number")


def load_distances(path: Path | None = None) -> Tensor:
    """A table of distances between the glyphs of 62 characters.

    Args:
        path: JSON, ``.npy``, or a pickled array like the published ``confuse.pkl``; default is the package's own.

    Returns:
        ``(62, 62)`` float32, not negative, in the order digits, A-Z, a-z.

    Raises:
        DataError: If it cannot be read, has another shape, or values that are no distances.
    """
    path = path or OWN_TABLE
    try:
        if path.suffix == ".json":
            document = json.loads(path.read_text(encoding="utf-8"))
            values = np.asarray(document["distances"] if isinstance(document, dict) else document, np.float32)
        elif path.suffix == ".npy":
            values = np.load(path, allow_pickle=False).astype(np.float32)
        else:
            with path.open("rb") as file:
                values = np.asarray(_NumbersOnly(file, encoding="latin1").load(), np.float32)
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}") from error
    except (ValueError, TypeError, KeyError, EOFError, AttributeError, ImportError, pickle.UnpicklingError) as error:
        raise DataError(f"{path}: not a table of distances: {error}") from error
    size = len(TABLE_ORDER)
    if values.shape != (size, size):
        raise DataError(f"{path}: expected a table of {size} x {size}, got {' x '.join(map(str, values.shape))}")
    if not (np.isfinite(values).all() and (values >= 0).all()):
        raise DataError(f"{path}: expected distances of 0 or more")
    return torch.from_numpy(values)
