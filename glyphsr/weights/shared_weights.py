"""ONNX graphs whose weights stay in a checkpoint: safetensors keeps tensors as ONNX's external data are kept."""

import json
from pathlib import Path
from typing import Any

import numpy as np

LEAST_BYTES = 256
"""Tensors below that are no gain outside."""


def point_into(proto: Any, checkpoint: Path) -> None:
    """Take the weights that a checkpoint holds out of a graph, and point to where they lie in its file.

    Half floats are cast when the graph is loaded.

    Args:
        proto: An ``onnx.ModelProto``, changed in place.
        checkpoint: safetensors, beside which the graph will lie.
    """
    import onnx

    tensors, first = _layout(checkpoint)
    content = np.memmap(checkpoint, np.uint8, "r")
    casts = []
    for item in proto.graph.initializer:
        known = tensors.get(item.name)
        if known is None or known["shape"] != list(item.dims) or known["dtype"] not in ("F16", "F32"):
            continue
        # Only weights that are equal, number by number; the exporter may have merged or transposed others.
        begin, end = (first + offset for offset in known["data_offsets"])
        kind = np.float16 if known["dtype"] == "F16" else np.float32
        stored = content[begin:end].view(kind).reshape(known["shape"])
        if end - begin < LEAST_BYTES or not np.array_equal(stored.astype(np.float32), onnx.numpy_helper.to_array(item)):
            continue
        # Stored in half precision: the graph widens them as it loads.
        if kind == np.float16:
            name, item.name = item.name, f"{item.name}:stored"
            casts.append(onnx.helper.make_node("Cast", [item.name], [name], to=onnx.TensorProto.FLOAT))
            item.data_type = onnx.TensorProto.FLOAT16
        # From here on the values are read from the checkpoint's own bytes.
        item.ClearField("raw_data")
        item.ClearField("float_data")
        item.data_location = onnx.TensorProto.EXTERNAL
        del item.external_data[:]
        for key, value in (("location", checkpoint.name), ("offset", begin), ("length", end - begin)):
            item.external_data.add(key=key, value=str(value))
    # A graph's nodes stand in the order in which they are run.
    nodes = [*casts, *proto.graph.node]
    del proto.graph.node[:]
    proto.graph.node.extend(nodes)


def _layout(checkpoint: Path) -> tuple[dict[str, Any], int]:
    """Names, types, shapes and places of the tensors of a safetensors file, and where its data begin."""
    with checkpoint.open("rb") as file:
        # safetensors: eight bytes of length, a JSON header, then the data.
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
    header.pop("__metadata__", None)
    return header, 8 + length
