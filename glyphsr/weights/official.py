"""Published checkpoint files: read as tensors only, wrappers and prefixes taken off."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from glyphsr.errors import WeightsError
from glyphsr.text.charset import PRINTABLE_95
from glyphsr.weights.onnx_file import read_onnx

WRAPPERS = ("state_dict_G", "state_dict", "model")
"""Keys under which published files keep their weights: GlyphSR's lineage, ASTER and Lightning, others."""

PREFIXES = ("module.", "model.")
"""Put before every key by data parallelism and by Lightning wrappers."""


SUFFIXES = {".pth", ".pt", ".ckpt", ".tar", ".onnx"}
"""Endings of published files; everything else is taken for one of ours."""


ONNX = ".onnx"


def is_published_file(path: Path) -> bool:
    """Whether a file's name is that of a published checkpoint, not of one of ours."""
    return path.suffix.lower() in SUFFIXES


def _harmless() -> list[Any]:
    """Plain values that training scripts keep beside the weights: numbers of NumPy, and their options."""
    scalars = [type(np.dtype(kind)) for kind in ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "?")]
    rebuild = np.float64(0).__reduce__()[0]
    # The same function was called by another module's name before NumPy 2.
    return [*scalars, np.dtype, rebuild, (rebuild, "numpy.core.multiarray.scalar"), argparse.Namespace]


def read_state(path: Path) -> dict[str, Tensor]:
    """The tensors of a published ``.pth``/``.pt``/``.ckpt``/``.onnx`` file, without executing anything in it.

    The CTC head of an ONNX recognizer is cut to printable ASCII.

    Raises:
        WeightsError: If it is missing, damaged, or a pickle of more than tensors.
    """
    if not path.is_file():
        raise WeightsError(f"{path}: no such checkpoint")
    if path.suffix.lower() == ONNX:
        return read_onnx(path, PRINTABLE_95)[0]
    try:
        with torch.serialization.safe_globals(_harmless()):
            content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # what torch.load raises on damaged files is not documented and varies
        raise WeightsError(
            f"{path}: not a checkpoint of plain tensors, and nothing else is loaded (a pickle could run code)"
        ) from error
    return unwrap_state(content, str(path))


def unwrap_state(content: Any, where: str) -> dict[str, Tensor]:
    """A flat state dict out of the wrappers and prefixes that published files carry.

    Raises:
        WeightsError: If there is none.
    """
    for wrapper in WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(wrapper), Mapping):
            content = content[wrapper]
    if not isinstance(content, Mapping) or not content or not all(isinstance(v, Tensor) for v in content.values()):
        raise WeightsError(f"{where}: no state dict found in it")
    state = {str(key): value for key, value in content.items()}
    while prefix := next((p for p in PREFIXES if all(key.startswith(p) for key in state)), None):
        state = {key.removeprefix(prefix): value for key, value in state.items()}  # model.module. exists, too
    return state
