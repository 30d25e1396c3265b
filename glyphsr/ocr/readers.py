"""Who reads the pictures in an evaluation: our recognizers with somebody's weights, or an OCR engine."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from glyphsr.config.recognizers import reads_strokes
from glyphsr.errors import ConfigError, WeightsError
from glyphsr.models.registry import RECOGNIZERS, RecognizerNetwork, published_kinds
from glyphsr.ocr.engine import ENGINES, OCREngine, open_engine
from glyphsr.ocr.judge_proofs import proof_of
from glyphsr.system.devices import resolve_device
from glyphsr.text.charset import filter_to
from glyphsr.types import Reading
from glyphsr.weights.checkpoints import read_checkpoint
from glyphsr.weights.hub import resolve
from glyphsr.weights.loading import load_recognizer
from glyphsr.weights.published import is_published_file
from glyphsr.weights.registry import BUNDLED_FOLDER, entries, entry, is_own_recognizer, local_or_bundled, sha256_of

ALL = "all"
READERS = (*published_kinds(RECOGNIZERS), *ENGINES)
"""Everything that can be asked for by name; kinds that nobody published judge only as ``NAME=FILE``."""

MAX_BATCH = 48


@dataclass(frozen=True)
class ReaderInfo:
    """What a report says of a judge."""

    name: str
    weights: str
    """File, or engine and version."""
    sha256: str | None = None
    notice: str | None = None
    """What a reader of its numbers must know."""
    published: str | None = None
    """Which of the paper's judges its weights are said to be: an authors' file, or one converted from it."""
    proof: str | None = None
    """How that is known: ``sha256`` or ``calibrated``; ``None`` where it is only said."""


class Reader(Protocol):
    """Reads pictures."""

    info: ReaderInfo

    def read(self, images: Sequence[Tensor]) -> list[Reading]:
        """``(3, H, W)`` float pictures about [0, 1], not clipped -> one reading each."""
        ...

    def too_long(self, label: str) -> int | None:
        """The greatest length it can read, if the label is longer than that."""
        ...


def _by_shape(images: Sequence[Tensor]) -> list[list[int]]:
    """Places of the pictures that can share a batch."""
    groups: dict[torch.Size, list[int]] = defaultdict(list)
    for i, image in enumerate(images):
        groups[image.shape].append(i)
    return list(groups.values())


class RecognizerReader:
    """One of our recognizers; pictures of one prepared shape share a batch."""

    def __init__(self, network: RecognizerNetwork, info: ReaderInfo, device: torch.device) -> None:
        self.network = network.to(device).eval()
        self.info = info
        self.device = device

    @torch.inference_mode()
    def read(self, images: Sequence[Tensor]) -> list[Reading]:
        """As :meth:`Reader.read`."""
        # Batches of one shape; the readings go back to the order of the pictures.
        prepared = self._prepare(images)
        readings: dict[int, Reading] = {}
        for members in _by_shape(prepared):
            for first in range(0, len(members), MAX_BATCH):
                chosen = members[first : first + MAX_BATCH]
                batch = torch.stack([prepared[i] for i in chosen])
                readings.update(zip(chosen, self.network.read_prepared(batch), strict=True))
        return [readings[i] for i in range(len(images))]

    def _prepare(self, images: Sequence[Tensor]) -> list[Tensor]:
        """What the network takes, one per picture; pictures of one size are prepared together."""
        prepared: dict[int, Tensor] = {}
        for members in _by_shape(images):
            batch = torch.stack([images[i] for i in members]).to(self.device).float()
            prepared.update(zip(members, self.network.prepare(batch), strict=True))
        return [prepared[i] for i in range(len(images))]

    def too_long(self, label: str) -> int | None:
        """As :meth:`Reader.too_long`; characters that it does not know do not count."""
        limit = self.network.max_length
        return limit if limit is not None and len(filter_to(label, self.network.charset)) > limit else None


class EngineReader:
    """An OCR engine that nobody here trained; it sees what a saved 8-bit picture shows."""

    def __init__(self, name: str, engine: OCREngine) -> None:
        self.engine = engine
        self.info = ReaderInfo(name, engine.version)

    def read(self, images: Sequence[Tensor]) -> list[Reading]:
        """As :meth:`Reader.read`."""
        pixels = [(image.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).cpu().numpy() for image in images]
        return self.engine.read([np.ascontiguousarray(picture) for picture in pixels])

    def too_long(self, label: str) -> int | None:
        """Engines have no limit that matters for words."""
        del label
        return None


def _recognizer_judge(
    name: str, weights: str | None, device: torch.device, *, offline: bool, option: str
) -> RecognizerReader:
    try:
        path = resolve(weights or local_or_bundled(name), offline=offline)
    except WeightsError as error:
        raise WeightsError(f"{error}; or give {option} {name}=FILE" if weights is None else str(error)) from error

    network = load_recognizer(path)
    if network.config.kind != name:
        raise WeightsError(f"{path}: holds {network.config.kind}, not {name}")
    if reads_strokes(network.config):
        raise WeightsError(f"{path}: reads strokes, for the text-focus loss; expected a recognizer of characters")
    return RecognizerReader(network, _info(name, path), device)


def _info(kind: str, path: Path) -> ReaderInfo:
    """Name a recognizer by whose weights it has: only the authors' are called by the kind alone."""
    # The authors' own file, or one converted from it.
    digest = sha256_of(path)
    if is_published_file(path):
        return _said_to_be(kind, path, digest)

    checkpoint = read_checkpoint(path, tensors=False)
    if checkpoint.kind == "recognizer" and "published" in checkpoint.card:
        return _said_to_be(kind, path, digest)

    # Anything else is called by its file, so that nobody takes it for the published one.
    if path.parent == BUNDLED_FOLDER and checkpoint.kind == "recognizer":
        whose = checkpoint.card.get("whose", "our own, trained on rendered words and IIIT5K")
        name = path.stem
    else:
        whose = f"not the published {kind}, but {path.name}"
        name = f"{kind}:{path.stem}"

    notice = f"{name} is {whose}; its numbers are not the published {kind}'s"
    if checkpoint.kind == "super_resolver":
        notice += ", and it is no independent judge of a network that it guides"

    return ReaderInfo(name, str(path), digest, notice)


def _said_to_be(kind: str, path: Path, digest: str) -> ReaderInfo:
    """Of weights in a published form; whether they are the published ones their form does not say."""
    proof = proof_of(kind, digest)
    notice = None
    if proof is None:
        notice = f"{kind}: nothing proves that {path.name} holds the published weights; `eval --calibrate` does"
    return ReaderInfo(kind, str(path), digest, notice, published=kind, proof=proof)


def open_reader(text: str, device: torch.device, *, offline: bool = False, option: str = "--recognizer") -> Reader:
    """A judge from ``name`` or ``name=file``; the package's own have names too, such as ``crnn-synth``.

    Args:
        text: Who.
        device: Where recognizers of ours read.
        offline: Never fetch weights.
        option: By which it was asked for; errors name it.

    Raises:
        ConfigError: If the name is none of :data:`READERS`, or an engine is not installed.
        WeightsError: If a recognizer's weights are not here or are another one's.
    """
    # An engine, then one of our own by name, then a kind with its published weights or a file.
    name, equals, file = text.partition("=")
    if name in ENGINES and not equals:
        return EngineReader(name, open_engine(name))
    if not equals and is_own_recognizer(name):
        return _recognizer_judge(entry(name).network, name, device, offline=offline, option=option)
    if name in RECOGNIZERS and name not in READERS and not file:
        raise ConfigError(f"{option} {text}: no weights go by that name; expected {name}=FILE")
    if name not in RECOGNIZERS or (equals and not file):
        own = [known for known in entries() if is_own_recognizer(known)]
        several = f", or {ALL} where several may be asked" if option == "--recognizer" else ""
        raise ConfigError(f"{option} {text}: expected {', '.join([*READERS, *own])} or NAME=FILE{several}")
    return _recognizer_judge(name, file or None, device, offline=offline, option=option)


def open_readers(
    names: Sequence[str], device: torch.device, *, offline: bool = False
) -> tuple[list[Reader], list[str]]:
    """Judges by name, each once, and notices about those that ``all`` left out.

    Raises:
        ConfigError: As :func:`open_reader`, or if there is none.
        WeightsError: Likewise.
    """
    # Those that were named must be available; of `all` only what is here takes part.
    judges: list[Reader] = []
    notices: list[str] = []
    asked = [text for text in dict.fromkeys(names) if text != ALL]
    for text in asked:
        judges.append(open_reader(text, device, offline=offline))

    if len({(judge.info.name, Path(judge.info.weights).resolve()) for judge in judges}) < len(judges):
        raise ConfigError("--recognizer: each judge can be asked once")

    names_given = [judge.info.name for judge in judges]
    for judge in judges:
        if names_given.count(judge.info.name) > 1:  # best.safetensors of many runs
            judge.info = replace(judge.info, name=f"{judge.info.name.partition(':')[0]}:{judge.info.weights}")

    unique = {judge.info.name: judge for judge in judges}
    if ALL in names:
        kinds = {text.partition("=")[0] for text in asked}
        for name in (name for name in READERS if name not in kinds):
            try:
                judge = open_reader(name, device, offline=True)  # what is available, without fetching
                unique[judge.info.name] = judge
            except (ConfigError, WeightsError) as error:
                notices.append(f"left out {error}")

    if not unique:
        raise ConfigError(f"--recognizer: expected at least one of {', '.join(READERS)}")

    notices += [judge.info.notice for judge in unique.values() if judge.info.notice]
    return list(unique.values()), notices


class RecognizerLineReader:
    """One of our recognizers, on plain arrays."""

    def __init__(self, reader: Reader) -> None:
        self.name = reader.info.name
        self.reader = reader

    def read(self, pictures: Sequence[NDArray[np.float32]]) -> list[Reading]:
        """As :meth:`glyphsr.ocr.line_readers.LineReader.read`."""
        return self.reader.read([torch.from_numpy(picture.copy()).permute(2, 0, 1) for picture in pictures])


def open_recognizer_lines(text: str, *, device: str, offline: bool, option: str) -> RecognizerLineReader:
    """As :func:`glyphsr.ocr.line_readers.open_line_reader`, of recognizers of ours."""
    return RecognizerLineReader(open_reader(text, resolve_device(device), offline=offline, option=option))
