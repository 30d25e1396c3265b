"""Files of ``torch.save``: tensors and plain values only, and no larger in memory than on disk."""

import pickletools
import warnings
import zipfile
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import torch
from torch import Tensor

from glyphsr.errors import WeightsError
from glyphsr.safe_reading.content import open_regular
from glyphsr.safe_reading.limits import DOCUMENT_DEPTH, DOCUMENT_ITEMS, WEIGHTS_BYTES
from glyphsr.safe_reading.text_files import shorten

NAMES = {
    *("collections OrderedDict", "torch Size", "torch device", "torch.serialization _get_layout"),
    *("torch._utils _rebuild_tensor", "torch._utils _rebuild_tensor_v2", "torch._utils _rebuild_parameter"),
    *("torch.nn.parameter Parameter", "torch.storage UntypedStorage", "torch.storage TypedStorage"),
    *("builtins set", "builtins complex", "__builtin__ set", "__builtin__ complex", "_codecs encode"),
}
"""What a file may name. Torch allows more, some of which takes as much memory as it is asked to (``bytearray``)."""

LONGEST_TEXT = 1 << 16
"""Characters of a text in a file that has texts encoded, since some codecs are slow."""

ZIP = b"PK\3\4"
"""Begins files of the newer form."""

LEGACY_PICKLES = 5
"""Of the older form: a number, a version, the machine, the content, the keys of its storages."""

_DTYPES = {name for name in dir(torch) if isinstance(getattr(torch, name), torch.dtype)}


def load_torch_file(
    path: Path,
    *,
    allowed: Sequence[tuple[Any, str]] = (),
    device: str | torch.device = "cpu",
) -> Any:
    """What a file of ``torch.save`` holds, without running anything in it.

    Args:
        path: The file.
        allowed: Classes and functions beyond torch's own that it may name, and their full names there; each must do no
            harm whatever it is given.
        device: Where tensors go.

    Raises:
        WeightsError: If it is missing, damaged, names anything else, or holds more than its size can.
    """
    try:
        # Its list of instructions is read first; torch only then.
        size = _check(path, {name for _, name in allowed})
        with warnings.catch_warnings(), torch.serialization.safe_globals(list(allowed)):
            warnings.simplefilter("ignore")  # of other versions of pickles, which either can be read or not
            # Mapped, tensors take no memory before they are used, and what does not fit is refused before that.
            content = torch.load(path, map_location=device, weights_only=True, mmap=_is_zip(path))
        # A tensor may claim to be a view of far more numbers than its file has.
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


def _is_zip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(ZIP)) == ZIP


def _check(path: Path, allowed: Collection[str]) -> int:
    """Size of the file, if nothing in it is packed and all that it names may be named."""
    with open_regular(path, WeightsError) as file:
        size = file.seek(0, 2)
        WEIGHTS_BYTES.check(size, path, WeightsError)
        file.seek(0)

        if file.read(len(ZIP)) == ZIP:  # which is how torch tells
            archive = zipfile.ZipFile(file)
            parts = archive.infolist()
            packed = sum(part.file_size for part in parts) > size or any(part.compress_type for part in parts)
            if packed or archive.comment:  # after which another reader may find another list of parts
                raise WeightsError(f"{path}: holds packed parts or a comment, which torch does not write")
            for part in parts:
                if part.filename.endswith(".pkl"):
                    with archive.open(part) as content:
                        _check_pickle(content, path, allowed)

        else:
            file.seek(0)
            for _ in range(LEGACY_PICKLES):
                _check_pickle(file, path, allowed)
    return size


def _check_pickle(file: IO[bytes], path: Path, allowed: Collection[str]) -> None:
    """List a pickle up to its end, instruction by instruction, which runs nothing; what it names must be known."""
    encodes, longest = False, 0

    for count, (instruction, argument, _) in enumerate(pickletools.genops(file)):
        DOCUMENT_ITEMS.check(count, path, WeightsError)

        # Only types that tensors need may be named.
        if instruction.name == "GLOBAL":
            assert isinstance(argument, str)
            module, _, kind = argument.partition(" ")
            is_type = module in ("torch", "torch.cuda") and (kind.endswith("Storage") or kind in _DTYPES)
            if not is_type and argument not in NAMES and argument.replace(" ", ".") not in allowed:
                name = shorten(argument.replace(" ", "."))
                raise WeightsError(f"{path}: names {name}, which no weights need (a pickle could run code)")
            encodes |= argument == "_codecs encode"
        elif isinstance(argument, str):
            longest = max(longest, len(argument))

    if encodes and longest > LONGEST_TEXT:
        raise WeightsError(f"{path}: encodes a text of {longest:,} characters")


def _tensors(content: Any, path: Path) -> list[Tensor]:
    """All tensors in nested mappings and lists; parts that are named several times are looked at once."""
    found: list[Tensor] = []
    seen: set[int] = set()
    # A stack of our own: deep nesting must not exhaust Python's.
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
