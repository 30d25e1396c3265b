"""Published checkpoint files: read as tensors only, wrappers and prefixes taken off, and made into networks."""

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from glyphsr.config.networks import NETWORKS, NetworkConfig
from glyphsr.config.recognizers import RecognizerConfig
from glyphsr.config.validation import validate
from glyphsr.errors import WeightsError
from glyphsr.models.registry import (
    RECOGNIZERS,
    RecognizerNetwork,
    SRNetwork,
    build_network,
    build_recognizer,
    identify,
    is_network,
    key_table,
    network_shape,
    published_kinds,
    recognizer_shape,
)
from glyphsr.models.unsupported import name_unsupported
from glyphsr.nn.key_tables import KeyTable
from glyphsr.safe_reading.text_files import shorten
from glyphsr.safe_reading.torch_file import load_torch_file
from glyphsr.text.charset import PRINTABLE_95
from glyphsr.weights.checkpoints import M, check_shapes, load_state, outlined
from glyphsr.weights.onnx_file import read_onnx

WRAPPERS = ("state_dict_G", "state_dict", "model", "net")
"""Keys under which published files keep their weights: GlyphSR's lineage, ASTER and Lightning, others, SIGA."""

PREFIXES = ("module.", "model.")
"""Put before every key by data parallelism and by Lightning wrappers."""


PLAIN_NUMBERS = ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1", "?")
"""NumPy's names of the kinds of numbers that may stand beside the weights."""

ONNX = ".onnx"
SUFFIXES = {".pth", ".pt", ".ckpt", ".tar", ONNX}
"""Endings of published files; everything else is taken for one of ours."""


def is_published_file(path: Path) -> bool:
    """Whether a file's name is that of a published checkpoint, not of one of ours."""
    return path.suffix.lower() in SUFFIXES


class _PlainDtype:
    """Stands in for ``numpy.dtype``, which would make numbers of any size of a file's words."""

    def __init__(self, code: str, *_: object) -> None:
        if code not in PLAIN_NUMBERS:
            raise ValueError(f"a number of kind {shorten(code)}; expected one of {', '.join(PLAIN_NUMBERS)}")
        self.code, self.order = code, "<"

    def __setstate__(self, state: tuple[object, ...]) -> None:
        """The second part is the order of bytes; the others are those of every plain number."""
        self.order = ">" if state[1] == ">" else "<"


def _plain_number(kind: _PlainDtype, content: bytes) -> float:
    """Stands in for NumPy's own way from bytes to a number."""
    return float(np.frombuffer(content, np.dtype(kind.order + kind.code), count=1)[0])


def _harmless() -> list[tuple[Any, str]]:
    """Plain values that training scripts keep beside the weights: numbers of NumPy, and their options."""
    # The same function was called by another module's name before NumPy 2.
    numbers = [(_plain_number, f"numpy.{core}.multiarray.scalar") for core in ("core", "_core")]
    return [(_PlainDtype, "numpy.dtype"), *numbers, (argparse.Namespace, "argparse.Namespace")]


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
    return unwrap_state(load_torch_file(path, allowed=_harmless()), str(path))


def unwrap_state(content: Any, where: str) -> dict[str, Tensor]:
    """A flat state dict out of the wrappers and prefixes that published files carry.

    Raises:
        WeightsError: If there is none.
    """
    # Wrappers may stand within each other.
    for wrapper in WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(wrapper), Mapping):
            content = content[wrapper]
    if not isinstance(content, Mapping) or not content or not all(isinstance(v, Tensor) for v in content.values()):
        raise WeightsError(f"{where}: no state dict found in it")

    state = {str(key): value for key, value in content.items()}
    while prefix := next((p for p in PREFIXES if all(key.startswith(p) for key in state)), None):
        state = {key.removeprefix(prefix): value for key, value in state.items()}  # model.module. exists, too
    return state


def kind_of(state: Mapping[str, Tensor]) -> str | None:
    """The kind of network or recognizer that a published state is of, by its keys; ``None`` for none that is known."""
    stem = state.get("block1.0.weight")
    return identify(state, image_channels=None if stem is None or stem.ndim < 2 else stem.shape[1])


def network_config(state: Mapping[str, Tensor], where: str = "checkpoint") -> NetworkConfig | None:
    """The configuration of the published super-resolution network that a state is of; ``None`` if it is of none.

    Raises:
        WeightsError: If the keys are some network's and the shapes are not.
    """
    kind = kind_of(state)
    if kind is None or not is_network(kind):
        return None
    config: NetworkConfig = _published_shape(network_shape, kind, state, where)[0]
    return config


def recognizer_from_official(
    state: Mapping[str, Tensor],
    where: str = "checkpoint",
    *,
    kind: str | None = None,
    config: RecognizerConfig | None = None,
    changes: Mapping[str, Any] | None = None,
) -> RecognizerNetwork:
    """A published recognizer in eval mode; its kind and shape are read off the keys.

    Args:
        state: Published key -> tensor, unwrapped.
        where: Named in messages.
        kind: Which recognizer it should be, where the keys should not decide.
        config: Its shape, likewise.
        changes: Fields of the configuration that no key shows, such as ``align_corners``.

    Raises:
        WeightsError: If the keys or shapes are not those of a recognizer that we know.
    """
    if config is None:
        kind = kind or kind_of(state)
        published = published_kinds(RECOGNIZERS)
        if kind not in published:
            raise WeightsError(f"{where}: {_what_else(kind, state, 'a recognizer')}; known are {', '.join(published)}")
        config = _published_shape(recognizer_shape, kind, state, where)

    shape = _changed(config, changes)
    try:
        return _filled(lambda: build_recognizer(shape), state, key_table(shape), where)
    except ValueError as error:
        raise WeightsError(f"{where}: {shape.kind} of a shape that is not supported: {error}") from error


def network_from_official(
    state: Mapping[str, Tensor],
    where: str = "checkpoint",
    *,
    kind: str | None = None,
    changes: Mapping[str, Any] | None = None,
) -> SRNetwork:
    """A published super-resolution network in eval mode; its kind and shape are read off the keys.

    Entries that the published network never uses are left out; constants may be missing, they are computed.

    Args:
        state: Published key -> tensor, unwrapped.
        where: Named in messages.
        kind: Which network it should be, where the keys should not decide.
        changes: Fields of the configuration that no key shows, such as ``mix_batch``.

    Raises:
        WeightsError: If the keys or shapes are not those of a network that we know.
    """
    kind = kind or kind_of(state)
    if kind is None or not is_network(kind):
        what = _what_else(kind, state, "a super-resolution network")
        raise WeightsError(f"{where}: {what}; known are {', '.join(NETWORKS)}")

    config, num_classes = _published_shape(network_shape, kind, state, where)
    config = _changed(config, changes)
    return _filled(lambda: build_network(config, num_classes=num_classes), state, key_table(config), where)


def _filled(build: Callable[[], M], state: Mapping[str, Tensor], table: KeyTable, where: str) -> M:
    """A network with published entries under our names; constants that the file lacks keep their computed values."""

    def all_of(network: M) -> dict[str, Tensor]:
        constants = {key: value for key, value in network.state_dict().items() if table.is_computed(key)}
        return constants | table.translate(state)

    with outlined():  # a file that does not fit is refused before its network takes any memory
        outline = build()
        check_shapes(outline, all_of(outline), where)

    network = build()
    load_state(network, all_of(network), where)
    return network.eval()


def _what_else(kind: str | None, state: Mapping[str, Tensor], expected: str) -> str:
    """Says that a file holds something else than was expected, and what it is where that is known."""
    found = kind or name_unsupported(state)
    return f"not {expected}'s checkpoint" + (f": holds {found}" if found else "")


def _changed(config: Any, changes: Mapping[str, Any] | None) -> Any:
    if not changes:
        return config
    return validate(type(config), config.model_dump(mode="json") | dict(changes), f"{config.kind}: --set")


def _published_shape(read: Any, kind: str, state: Mapping[str, Tensor], where: str) -> Any:
    try:
        return read(kind, {key: tuple(value.shape) for key, value in state.items()})
    except KeyError as error:
        first = next(iter(state))
        raise WeightsError(f"{where}: not {kind}'s weights: missing {error}, unexpected {first!r}") from error
    except (ValueError, IndexError) as error:
        raise WeightsError(f"{where}: not {kind}'s weights as we know them: {error}") from error
