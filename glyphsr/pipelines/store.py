"""The user's store of weights: found, fetched, converted, checked."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from glyphsr.cache import cache_folder
from glyphsr.errors import ConfigError, WeightsError
from glyphsr.files import write_bytes
from glyphsr.weights.download import Progress, fetch
from glyphsr.weights.registry import (
    BUNDLED_FOLDER,
    Entry,
    cached_path,
    entries,
    entry,
    how_to_get,
    local_weights,
    sha256_of,
)

if TYPE_CHECKING:
    from glyphsr.models.registry import RecognizerNetwork, SRNetwork
    from glyphsr.weights.checkpoints import Kind

DOWNLOADS = "downloads"
"""Folder of the cache that keeps published files as they came."""

HASHES = "hashes.json"
"""File of the cache with the hash of every file that we stored in it."""

Status = Literal["bundled", "cached", "not here"]


@dataclass(frozen=True)
class StoredWeights:
    """One row of ``glyphsr models list``."""

    name: str
    entry: Entry
    status: Status
    path: Path | None


@dataclass(frozen=True)
class Verification:
    """Whether a stored file still is what was stored."""

    name: str
    path: Path
    ok: bool
    message: str


def list_weights() -> list[StoredWeights]:
    """Every row of the registry and where its weights are on this machine."""
    rows = []
    for name, row in entries().items():
        path = local_weights(name)
        status: Status = "not here" if path is None else "bundled" if path.parent == BUNDLED_FOLDER else "cached"
        rows.append(StoredWeights(name, row, status, path))
    return rows


def obtain(name: str | Path, *, offline: bool = False, progress: Progress | None = None) -> Path:
    """The file that a path or a name stands for; fetched where it is not here and has a stable address.

    Raises:
        WeightsError: If it is not to be had; the message says where it comes from.
    """
    found = local_weights(name)
    if found is not None:
        return found
    row = entry(str(name))
    if row.source != "download" or offline:
        why = "no weights here (offline)" if row.source == "download" else "no weights here"
        raise WeightsError(f"{name}: {why}; {how_to_get(str(name))}")
    return pull(str(name), progress=progress)


def pull(name: str, *, progress: Progress | None = None) -> Path:
    """Fetch published weights into the cache, check their hash and convert them.

    Raises:
        WeightsError: If they have no stable address, cannot be fetched, or are not what they should be.
    """
    row = entry(name)
    found = local_weights(name)
    if found is not None:
        return found
    if row.url is None or row.file is None:
        raise WeightsError(f"{name}: {how_to_get(name)}")
    target = cached_path(name)
    if row.kind == "segmenter":
        fetch(row.url, target, sha256=row.sha256, progress=progress)
        _remember(target)
        return target
    downloaded = fetch(row.url, cache_folder() / DOWNLOADS / row.file, sha256=row.sha256, progress=progress)
    return convert(downloaded, name, out=target)


def convert(
    file: Path,
    name: str,
    *,
    out: Path | None = None,
    overwrite: bool = False,
    changes: Mapping[str, Any] | None = None,
) -> Path:
    """Check a published file against the network it should be, and store it as safetensors.

    Args:
        file: The published file.
        name: A name of the registry, or a kind of network or recognizer.
        out: Where to; default is the cache, under that name.
        overwrite: Replace a file that exists.
        changes: Fields of the configuration that no key shows, such as ``align_corners`` and ``mix_batch``.

    Returns:
        The stored file.

    Raises:
        WeightsError: If the file is unreadable, or another network's; the first differences are named.
        ConfigError: If the result exists and may not be replaced.
    """
    # torch loads here, so that listing and finding weights stay instant.
    import torch

    from glyphsr.models.registry import RECOGNIZERS, is_alike
    from glyphsr.pipelines.models import kind_of, network_from_official, recognizer_from_official
    from glyphsr.weights.checkpoints import save_checkpoint
    from glyphsr.weights.official import read_state

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
    state = read_state(file)
    kind = kind_of(state)
    if kind is not None and not is_alike(kind, row.network):
        raise WeightsError(f"{file}: holds {kind}, not {row.network}; try --as {kind}")
    card: dict[str, Any] = {"source": file.name, "source_sha256": sha256_of(file), "published": name}
    bad = next((key for key, value in state.items() if not bool(torch.isfinite(value).all())), None)
    if bad is not None:
        raise WeightsError(f"{file}: {bad!r} has values that are no numbers; fetch the file again")
    network: RecognizerNetwork | SRNetwork
    stored: Kind
    if row.network in RECOGNIZERS:
        network, stored = recognizer_from_official(state, str(file), kind=row.network, changes=changes), "recognizer"
    else:
        network, stored = network_from_official(state, str(file), kind=row.network, changes=changes), "network"
        card["num_classes"] = network.num_classes
    _check_variant(network.config, row, str(file))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        save_checkpoint(target, network, kind=stored, config=network.config, card=card)
    except OSError as error:
        raise WeightsError(f"{target}: cannot be written: {error.strerror}") from error
    if target.parent == cache_folder():
        _remember(target)
    return target


def _check_variant(config: Any, row: Entry, where: str) -> None:
    """Refuse another variant of the right network under a name that stands for one."""
    facts = config.model_dump() | {"fused": getattr(config, "gfm_from", None) is not None}
    for key, expected in row.variant.items():
        if facts.get(key) != expected:
            raise WeightsError(f"{where}: another variant of {row.network}: {key} is {facts.get(key)}, not {expected}")


def _known_hashes() -> dict[str, str]:
    listing = cache_folder() / HASHES
    try:
        return {str(key): str(value) for key, value in json.loads(listing.read_text(encoding="utf-8")).items()}
    except (OSError, ValueError, AttributeError):
        return {}


def _remember(path: Path) -> None:
    hashes = _known_hashes() | {path.name: sha256_of(path)}
    write_bytes(cache_folder() / HASHES, json.dumps(hashes, indent=2).encode())


def verify(names: Sequence[str] = ()) -> list[Verification]:
    """Compare stored files with the hashes they were stored with, or were shipped with.

    Args:
        names: Which; all that are on this machine by default.

    Raises:
        WeightsError: If a named one is unknown or not here.
    """
    chosen = names or [row.name for row in list_weights() if row.path is not None]
    return [_verify_one(name) for name in chosen]


def _verify_one(name: str) -> Verification:
    row = entry(name)
    path = local_weights(name)
    if path is None:
        raise WeightsError(f"{name}: no weights here; {how_to_get(name)}")
    published_form = path.parent == BUNDLED_FOLDER or row.kind == "segmenter"
    expected = row.sha256 if published_form else _known_hashes().get(path.name)
    if expected is None:
        return Verification(name, path, ok=True, message="no hash is known of it")
    found = sha256_of(path)
    if found.startswith(expected):
        return Verification(name, path, ok=True, message=f"SHA-256 {found[:16]} as stored")
    again = "install the package again" if path.parent == BUNDLED_FOLDER else "delete it and store it again"
    return Verification(name, path, ok=False, message=f"SHA-256 {found[:16]}, expected {expected[:16]}; {again}")
