"""Published ONNX files: their tensors by name, without running anything in them."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from glyphsr.errors import WeightsError
from glyphsr.safe_reading.content import read_content
from glyphsr.safe_reading.limits import ONNX_BYTES

CHARACTERS = "character"
"""Metadata entry in which PaddleOCR's recognizers keep their characters, one a line."""


SPACE = " "
"""Character of the last class of PaddleOCR's heads, which the metadata do not name."""


def read_onnx(path: Path, charset: str | None = None) -> tuple[dict[str, Tensor], str]:
    """The floating-point tensors of an ONNX file, matrices in the layout of :class:`torch.nn.Linear`.

    Args:
        path: The file.
        charset: Characters to which the CTC head of a recognizer is cut, in this order after the blank; ``None`` keeps
            the head whole.

    Returns:
        Name -> float32 tensor, and the characters of the head's classes after the blank, empty where the file names
        none.

    Raises:
        WeightsError: If the file is missing or damaged, or the package ``onnx`` is not installed.
    """
    try:
        import onnx
    except ImportError as error:
        raise WeightsError(
            f"{path}: reading ONNX files needs the package onnx: pip install 'glyphsr[export]'"
        ) from error

    content = read_content(path, ONNX_BYTES, WeightsError)
    try:
        model = onnx.load_from_string(content)  # which cannot look for further files beside it
        found = [(item.name, item) for item in model.graph.initializer]
        found += [(node.output[0], node.attribute[0].t) for node in model.graph.node if node.op_type == "Constant"]
        if any(tensor.data_location == onnx.TensorProto.EXTERNAL for _, tensor in found):
            raise ValueError("tensors in other files")
        arrays = {name: onnx.numpy_helper.to_array(tensor) for name, tensor in found}
        # Weights of MatMul are (in, out), of torch.nn.Linear (out, in).
        multiplied = {node.input[1] for node in model.graph.node if node.op_type == "MatMul"}
    except Exception as error:  # what onnx and protobuf raise on damaged files is not documented and varies
        raise WeightsError(f"{path}: not an ONNX file that can be read") from error

    tensors = {
        name: _as_tensor(array, transposed=name in multiplied)
        for name, array in arrays.items()
        if array.dtype == np.float32 and array.size > 1
    }
    # PaddleOCR's heads: one class per character of the metadata, and the space last.
    named = next((item.value for item in model.metadata_props if item.key == CHARACTERS), "")
    characters = "".join(named.split("\n")) + SPACE if named else ""
    if not characters or charset is None:
        return tensors, characters
    return _cut_head(tensors, characters, charset, path), charset


def _cut_head(tensors: dict[str, Tensor], characters: str, charset: str, path: Path) -> dict[str, Tensor]:
    """The tensors with as many rows as the head has classes, reduced to the blank and the characters of a charset."""
    missing = [char for char in charset if char not in characters]
    if missing:
        raise WeightsError(f"{path}: its recognizer has no class for {missing[0]!r}")
    # Class 0 is the blank; characters follow in the metadata's order.
    kept = torch.tensor([0, *(characters.index(char) + 1 for char in charset)])
    return {name: value[kept] if len(value) == len(characters) + 1 else value for name, value in tensors.items()}


def _as_tensor(array: NDArray[np.float32], *, transposed: bool) -> Tensor:
    """A tensor of its own memory; the bias of a convolution, stored as ``(1, C, 1, 1)``, becomes ``(C,)``."""
    tensor = torch.tensor(array.T if transposed else array)
    is_bias = tensor.ndim == 4 and tensor.shape[0] == 1 and tensor.shape[2:] == (1, 1)
    return tensor.flatten() if is_bias else tensor.contiguous()
