"""Published files, checked against the network they should be and stored as safetensors."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from glyphsr.errors import ConfigError, WeightsError
from glyphsr.models.registry import RECOGNIZERS, RecognizerNetwork, SRNetwork, is_alike
from glyphsr.system.cache import cache_folder, make_private
from glyphsr.weights.checkpoints import Kind, save_checkpoint
from glyphsr.weights.hashes import remember
from glyphsr.weights.published import kind_of, network_from_official, read_state, recognizer_from_official
from glyphsr.weights.registry import Entry, cached_path, entry, sha256_of


def convert(
    file: Path,
    name: str,
    *,
    beside: Sequence[Path] = (),
    out: Path | None = None,
    overwrite: bool = False,
    changes: Mapping[str, Any] | None = None,
) -> Path:
    """Check a published file against the network it should be, and store it as safetensors.

    Args:
        file: The published file.
        name: A name of the registry, or a kind of network or recognizer.
        beside: Further published files that hold the rest of the network, such as the one of PEAN's prior enhancer.
        out: Where to; default is the cache, under that name.
        overwrite: Replace a file that exists.
        changes: Fields of the configuration that no key shows, such as ``align_corners`` and ``mix_batch``.

    Returns:
        The stored file.

    Raises:
        WeightsError: If the file is unreadable, or another network's; the first differences are named.
        ConfigError: If the result exists and may not be replaced.
    """
    row = entry(name)
    if row.kind == "segmenter":
        raise ConfigError(f"{name}: SAM is used as it is published; `glyphsr models pull {name}` stores it")
    if row.source == "bundled":
        raise ConfigError(f"{name}: is ours; expected the name of published weights")

    target = out or cached_path(name)
    if target.suffix != ".safetensors":
        raise ConfigError(f"{target}: expected a name ending in .safetensors")
    if target.exists() and not overwrite:
        raise ConfigError(f"{target}: exists already; --overwrite replaces it")

    state = _read_together(file, beside)
    # The keys tell which network it is, whatever the file is called.
    kind = kind_of(state)
    if kind is not None and not is_alike(kind, row.network):
        raise WeightsError(f"{file}: holds {kind}, not {row.network}; try --as {kind}")

    # Where it came from, by hash: reports name the authors' file, not our copy.
    card: dict[str, Any] = {"source": file.name, "source_sha256": sha256_of(file), "published": name}
    card |= {"beside": {path.name: sha256_of(path) for path in beside}} if beside else {}

    bad = next((key for key, value in state.items() if not bool(torch.isfinite(value).all())), None)
    if bad is not None:
        raise WeightsError(f"{file}: {bad!r} has values that are NaN or infinite; download the file again")

    network: RecognizerNetwork | SRNetwork
    stored: Kind
    if row.network in RECOGNIZERS:
        network, stored = recognizer_from_official(state, str(file), kind=row.network, changes=changes), "recognizer"
    else:
        network, stored = network_from_official(state, str(file), kind=row.network, changes=changes), "network"
        card["num_classes"] = network.num_classes

    _check_variant(network.config, row, str(file))

    try:
        make_private(target.parent)
        save_checkpoint(target, network, kind=stored, config=network.config, card=card)
    except OSError as error:
        raise WeightsError(f"{target}: cannot be written: {error.strerror}") from error

    if target.parent == cache_folder():
        remember(target)

    return target


def _read_together(file: Path, beside: Sequence[Path]) -> dict[str, Tensor]:
    """One state from all files.

    Raises:
        WeightsError: If a file is unreadable, or two of them hold the same entry.
    """
    state = read_state(file)
    for path in beside:
        more = read_state(path)
        twice = next((key for key in more if key in state), None)
        if twice is not None:
            raise WeightsError(f"{path}: holds {twice!r}, which {file} or another file holds too")
        state |= more
    return state


def _check_variant(config: Any, row: Entry, where: str) -> None:
    """Refuse another variant of the right network under a name that stands for one."""
    facts = config.model_dump() | {"fused": getattr(config, "gfm_from", None) is not None}
    for key, expected in row.variant.items():
        if facts.get(key) != expected:
            raise WeightsError(f"{where}: another variant of {row.network}: {key} is {facts.get(key)}, not {expected}")
