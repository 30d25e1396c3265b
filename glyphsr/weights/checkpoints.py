"""Our checkpoints: safetensors with kind, format number, configuration and card in the header."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar, cast, get_args

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from glyphsr.config.base import Config
from glyphsr.errors import WeightsError
from glyphsr.safe_reading.limits import NETWORK_BYTES
from glyphsr.safe_reading.text_files import parse_json
from glyphsr.system.atomic_files import write_with

FORMAT_NUMBER = 1
"""Rises when older files can no longer be read as they are."""

FILLING = ("normal_", "uniform_", "zero_", "fill_", "copy_", "erfinv_", "clamp_", "mul_", "add_")
"""Operations of initial values."""

M = TypeVar("M", bound=nn.Module)

Kind = Literal["super_resolver", "network", "recognizer"]
"""A network with its text prior, one without, or a recognizer."""


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint as read from disk."""

    path: Path
    kind: Kind
    config: dict[str, Any]
    """The network's configuration."""
    card: dict[str, Any] = field(default_factory=dict)
    """What is known of it: data, steps, seed, measurements, default strength."""
    tensors: dict[str, Tensor] = field(default_factory=dict, repr=False)


FORMER_NAMES = (
    (re.compile(r"^(network\.)?hint(?=\.)"), r"\1guidance"),
    (re.compile(r"\bhint_norm(?=\.)"), "guidance_norm"),
    (re.compile(r"\bneighbours\.share$"), "neighbours.gate"),
    (re.compile(r"^aid(?=\.)"), "auxiliary_ctc"),
)
"""Names of parameters in files of earlier versions, and those of this one."""


def current_name(name: str) -> str:
    """What a parameter of a file of this or of an earlier version is called now.

    Example:
        >>> current_name("network.hint.deconvs.0.weight")
        'network.guidance.deconvs.0.weight'
    """
    for former, now in FORMER_NAMES:
        name = former.sub(now, name)
    return name


def save_checkpoint(path: Path, module: nn.Module, *, kind: Kind, config: Config, card: dict[str, Any]) -> None:
    """Write a module's state and its configuration atomically.

    Args:
        path: The final name.
        module: Source of the state dict.
        kind: What can be built from it.
        config: What the module was built from.
        card: JSON-compatible facts about it.
    """
    metadata = {
        "format": "glyphsr",
        "format_number": str(FORMAT_NUMBER),
        "kind": kind,
        "config": config.model_dump_json(),
        "card": json.dumps(card),
    }
    # safetensors wants tensors of their own memory, on the CPU.
    tensors = {key: value.detach().cpu().contiguous() for key, value in module.state_dict().items()}
    write_with(path, lambda temporary: safetensors.torch.save_file(tensors, str(temporary), metadata))


def read_checkpoint(path: Path, *, tensors: bool = True) -> Checkpoint:
    """Read a checkpoint without building anything.

    Args:
        path: The file.
        tensors: Read them too, not only the header.

    Raises:
        WeightsError: If it is missing, no safetensors file, damaged, not ours, or of a newer format.
    """
    if not path.is_file():
        raise WeightsError(f"{path}: no such checkpoint")

    NETWORK_BYTES.check(path.stat().st_size, path, WeightsError)

    try:
        with safetensors.safe_open(str(path), framework="pt") as file:
            metadata = file.metadata() or {}
            content = {current_name(key): file.get_tensor(key) for key in (file.keys() if tensors else ())}
    except (safetensors.SafetensorError, OSError, ValueError) as error:
        raise WeightsError(f"{path}: not a readable safetensors checkpoint: {error}") from error

    if metadata.get("format") != "glyphsr":
        raise WeightsError(f"{path}: safetensors, but not a glyphsr checkpoint (no format in its header)")

    number = metadata.get("format_number", "")
    if number != str(FORMAT_NUMBER):
        raise WeightsError(f"{path}: format {number!r}; this version of glyphsr reads format {FORMAT_NUMBER}")

    # The header is text of a stranger's making until its parts have the right types.
    config, card = (
        parse_json(metadata.get(name, "null"), f"{path}: damaged header: {name}", WeightsError)
        for name in ("config", "card")
    )
    if not (isinstance(config, dict) and isinstance(card, dict)):
        raise WeightsError(f"{path}: damaged header: expected a config and a card")

    kind = metadata.get("kind", "")
    if kind not in get_args(Kind):
        raise WeightsError(f"{path}: damaged header: kind {kind!r}")

    return Checkpoint(path, cast("Kind", kind), config, card, content)


def load_state(module: nn.Module, tensors: dict[str, Tensor], where: str) -> None:
    """Load strictly; only BatchNorm's ``num_batches_tracked`` may be missing (very old files lack it).

    Raises:
        WeightsError: Naming the first entry that is missing, unexpected, wrongly shaped or no numbers.
    """
    check_shapes(module, tensors, where)
    bad = next((key for key, value in tensors.items() if not _is_finite(value)), None)
    if bad is not None:
        raise WeightsError(f"{where}: {bad!r} has values that are NaN or infinite; the run that made it diverged")
    module.load_state_dict(tensors, strict=False)


def _is_finite(value: Tensor) -> bool:
    """The sum, which is quick, tells nearly always; finite numbers may still add up to infinity."""
    return not value.is_floating_point() or bool(value.sum().isfinite()) or bool(value.isfinite().all())


def check_shapes(module: nn.Module, tensors: dict[str, Tensor], where: str) -> None:
    """Whether these are a module's tensors, by their names, shapes and kinds.

    Raises:
        WeightsError: Naming the first entry that differs.
    """
    own = module.state_dict()
    # Very old files lack the counters of normalisations.
    missing = [key for key in own if key not in tensors and not key.endswith("num_batches_tracked")]
    unexpected = [key for key in tensors if key not in own]

    if missing or unexpected:
        parts = [f"missing {keys[0]!r}" for keys in (missing,) if keys]
        parts += [f"unexpected {keys[0]!r}" for keys in (unexpected,) if keys]
        counts = f"{len(missing)} missing, {len(unexpected)} unexpected entries"
        raise WeightsError(f"{where}: not this network's weights: {', '.join(parts)} ({counts})")

    for key, value in tensors.items():
        if own[key].shape != value.shape:
            raise WeightsError(f"{where}: {key!r} has shape {tuple(value.shape)}, expected {tuple(own[key].shape)}")
        if own[key].is_floating_point() != value.is_floating_point() or value.is_complex():
            raise WeightsError(f"{where}: {key!r} holds {value.dtype}, expected {own[key].dtype}")


class _NoNumbers(TorchFunctionMode):
    """Leaves out what fills tensors: without memory there is nothing to fill, and torch takes seconds to learn how."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        given = kwargs or {}
        filled = args[0] if args else given.get("tensor")
        if getattr(func, "__name__", "") in FILLING and isinstance(filled, Tensor) and filled.is_meta:
            return filled
        return func(*args, **given)


@contextmanager
def outlined() -> Iterator[None]:
    """Modules that are built in this block have shapes and no memory."""
    with torch.device("meta"), _NoNumbers():
        yield


def build_for(build: Callable[[], M], tensors: dict[str, Tensor], where: str) -> M:
    """A module made for tensors, and filled with them, in eval mode.

    It is made without memory first: a configuration that does not fit is refused before it takes any.

    Raises:
        WeightsError: As :func:`load_state`.
    """
    # Shapes first, without memory: a wrong file is refused before gigabytes are made.
    with outlined():
        check_shapes(build(), tensors, where)
    module = build()
    load_state(module, tensors, where)
    return module.eval()
