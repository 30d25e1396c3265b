"""Files of ``torch.save``: tensors and plain values only, and no larger in memory than on disk."""

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from glyphsr.errors import WeightsError
from glyphsr.safe_reading.content import open_regular
from glyphsr.safe_reading.limits import DOCUMENT_DEPTH, DOCUMENT_ITEMS, WEIGHTS_BYTES


def load_torch_file(
    path: Path,
    *,
    allowed: Sequence[Any] = (),
    device: str | torch.device = "cpu",
) -> Any:
    """What a file of ``torch.save`` holds, without running anything in it.

    Args:
        path: The file.
        allowed: Classes and functions beyond torch's own that it may name; each must do no harm whatever it is given.
        device: Where tensors go.

    Raises:
        WeightsError: If it is missing, damaged, names anything else, or holds more than its size can.
    """
    try:
        size = _check(path)
        with torch.serialization.safe_globals(list(allowed)):
            content = torch.load(path, map_location=device, weights_only=True)
        held = sum(tensor.numel() * tensor.element_size() for tensor in _tensors(content, path))
    except WeightsError:
        raise
    except Exception as error:  # what torch.load raises on damaged files is not documented and varies
        raise WeightsError(
            f"{path}: damaged, or more than tensors, and nothing else is loaded (a pickle could run code)"
        ) from error
    if held > 2 * size:  # a few tensors may share their numbers
        raise WeightsError(f"{path}: its tensors claim {held:,} bytes, the file has {size:,}")
    return content


def _check(path: Path) -> int:
    """Size of the file, if nothing in it is packed."""
    with open_regular(path, WeightsError) as file:
        size = file.seek(0, 2)
        WEIGHTS_BYTES.check(size, path, WeightsError)
        if zipfile.is_zipfile(file):
            parts = zipfile.ZipFile(file).infolist()
            if sum(part.file_size for part in parts) > size or any(part.compress_type for part in parts):
                raise WeightsError(f"{path}: holds packed parts, which torch does not write")
    return size


def _tensors(content: Any, path: Path) -> list[Tensor]:
    """All tensors in nested mappings and lists; parts that are named several times are looked at once."""
    found: list[Tensor] = []
    seen: set[int] = set()
    open_parts = [(content, 1)]
    while open_parts:
        part, depth = open_parts.pop()
        if isinstance(part, Tensor):
            found.append(part)
        if not isinstance(part, Mapping | list | tuple) or id(part) in seen:
            continue
        seen.add(id(part))
        DOCUMENT_DEPTH.check(depth, path, WeightsError)
        DOCUMENT_ITEMS.check(len(seen) + len(part), path, WeightsError)
        open_parts += [(below, depth + 1) for below in (part.values() if isinstance(part, Mapping) else part)]
    return found
