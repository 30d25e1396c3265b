"""Our checkpoints: safetensors with kind, format number, configuration and card in the header."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast, get_args

import safetensors
import safetensors.torch
from torch import Tensor, nn

from glyphsr.config.base import Config
from glyphsr.errors import WeightsError
from glyphsr.system.atomic_files import write_with

FORMAT_NUMBER = 1
"""Rises when older files can no longer be read as they are."""

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
    try:
        with safetensors.safe_open(str(path), framework="pt") as file:
            metadata = file.metadata() or {}
            content = {key: file.get_tensor(key) for key in (file.keys() if tensors else ())}
    except (safetensors.SafetensorError, OSError, ValueError) as error:
        raise WeightsError(f"{path}: not a readable safetensors checkpoint: {error}") from error
    if metadata.get("format") != "glyphsr":
        raise WeightsError(f"{path}: safetensors, but not a glyphsr checkpoint (no format in its header)")
    number = metadata.get("format_number", "")
    if number != str(FORMAT_NUMBER):
        raise WeightsError(f"{path}: format {number!r}; this version of glyphsr reads format {FORMAT_NUMBER}")
    try:
        config, card = json.loads(metadata["config"]), json.loads(metadata["card"])
    except (KeyError, ValueError) as error:
        raise WeightsError(f"{path}: damaged header: {error!r}") from error
    kind = metadata.get("kind", "")
    if kind not in get_args(Kind):
        raise WeightsError(f"{path}: damaged header: kind {kind!r}")
    return Checkpoint(path, cast("Kind", kind), config, card, content)


def load_state(module: nn.Module, tensors: dict[str, Tensor], where: str) -> None:
    """Load strictly; only BatchNorm's ``num_batches_tracked`` may be missing (very old files lack it).

    Raises:
        WeightsError: Naming the first missing, unexpected or wrongly shaped entry.
    """
    own = module.state_dict()
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
    module.load_state_dict(tensors, strict=False)
