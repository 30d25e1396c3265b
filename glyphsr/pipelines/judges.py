"""Who reads the pictures in an evaluation: our recognizers with somebody's weights, or an OCR engine."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from glyphsr.errors import ConfigError, WeightsError
from glyphsr.models.registry import RECOGNIZERS, RecognizerNetwork
from glyphsr.ocr.engine import ENGINES, OCREngine, open_engine
from glyphsr.pipelines.models import load_recognizer
from glyphsr.pipelines.store import obtain
from glyphsr.text.charset import filter_to
from glyphsr.types import Reading
from glyphsr.weights.registry import DEFAULT, how_to_get, local_weights, sha256_of

ALL = "all"
JUDGES = (*RECOGNIZERS, *ENGINES)
"""Everything that can be asked for by name."""

STAND_IN_NAME = "crnn-synth"
"""What the package's own CRNN is called where the published one is not at hand."""

MAX_BATCH = 48


@dataclass(frozen=True)
class JudgeInfo:
    """What a report says of a judge."""

    name: str
    weights: str
    """File, or engine and version."""
    sha256: str | None = None
    notice: str | None = None
    """What a reader of its numbers must know."""


class Judge(Protocol):
    """Reads pictures."""

    info: JudgeInfo

    def read(self, images: Sequence[Tensor]) -> list[Reading]:
        """``(3, H, W)`` float pictures about [0, 1], not clipped -> one reading each."""
        ...

    def too_long(self, label: str) -> int | None:
        """The greatest length it can read, if the label is longer than that."""
        ...


class RecognizerJudge:
    """One of our recognizers; pictures of one prepared shape share a batch."""

    def __init__(self, network: RecognizerNetwork, info: JudgeInfo, device: torch.device) -> None:
        self.network = network.to(device).eval()
        self.info = info
        self.device = device

    @torch.inference_mode()
    def read(self, images: Sequence[Tensor]) -> list[Reading]:
        """As :meth:`Judge.read`."""
        prepared = self._prepare(images)
        by_shape: dict[torch.Size, list[int]] = defaultdict(list)
        for i, image in enumerate(prepared):
            by_shape[image.shape].append(i)
        readings: dict[int, Reading] = {}
        for members in by_shape.values():
            for first in range(0, len(members), MAX_BATCH):
                chosen = members[first : first + MAX_BATCH]
                batch = torch.stack([prepared[i] for i in chosen])
                readings.update(zip(chosen, self.network.read_prepared(batch), strict=True))
        return [readings[i] for i in range(len(images))]

    def _prepare(self, images: Sequence[Tensor]) -> list[Tensor]:
        """What the network takes, one per picture; pictures of one size are prepared together."""
        by_shape: dict[torch.Size, list[int]] = defaultdict(list)
        for i, image in enumerate(images):
            by_shape[image.shape].append(i)
        prepared: dict[int, Tensor] = {}
        for members in by_shape.values():
            batch = torch.stack([images[i] for i in members]).to(self.device).float()
            prepared.update(zip(members, self.network.prepare(batch), strict=True))
        return [prepared[i] for i in range(len(images))]

    def too_long(self, label: str) -> int | None:
        """As :meth:`Judge.too_long`; characters that it does not know do not count."""
        limit = self.network.max_length
        return limit if limit is not None and len(filter_to(label, self.network.charset)) > limit else None


class EngineJudge:
    """An OCR engine that nobody here trained; it sees what a saved 8-bit picture shows."""

    def __init__(self, name: str, engine: OCREngine) -> None:
        self.engine = engine
        self.info = JudgeInfo(name, engine.version)

    def read(self, images: Sequence[Tensor]) -> list[Reading]:
        """As :meth:`Judge.read`."""
        pixels = [(image.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).cpu().numpy() for image in images]
        return self.engine.read([np.ascontiguousarray(picture) for picture in pixels])

    def too_long(self, label: str) -> int | None:
        """Engines have no limit that matters for words."""
        del label
        return None


def _recognizer_judge(name: str, weights: str | None, device: torch.device, *, offline: bool) -> RecognizerJudge:
    if weights is not None:
        path = obtain(Path(weights) if Path(weights).exists() else weights, offline=offline)
        network = load_recognizer(path)
        if network.config.kind != name:
            raise WeightsError(f"{path}: holds {network.config.kind}, not {name}")
        return RecognizerJudge(network, JudgeInfo(name, str(path), sha256_of(path)), device)
    if name == "crnn" and local_weights("crnn") is None:
        return _stand_in(device)
    try:
        path = obtain(name, offline=offline)
    except WeightsError as error:
        raise WeightsError(f"{error}; or give --recognizer {name}=FILE") from error
    return RecognizerJudge(load_recognizer(path), JudgeInfo(name, str(path), sha256_of(path)), device)


def _stand_in(device: torch.device) -> RecognizerJudge:
    """The CRNN that is the text prior of the package's model, under a name that says whose it is."""
    path = local_weights(DEFAULT)
    if path is None:
        raise WeightsError(f"crnn: no weights here; {how_to_get('crnn')}")
    network = load_recognizer(path)
    if network.config.kind != "crnn":
        raise WeightsError(f"crnn: no weights here; {how_to_get('crnn')}")
    notice = (
        f"{STAND_IN_NAME} is the text prior of {DEFAULT}, trained by us on rendered words and IIIT5K; its numbers are "
        "not the published CRNN's, and it is no independent judge of a network that it guides"
    )
    return RecognizerJudge(network, JudgeInfo(STAND_IN_NAME, path.name, sha256_of(path), notice), device)


def open_judge(text: str, device: torch.device, *, offline: bool = False) -> Judge:
    """A judge from ``name`` or ``name=file``.

    Raises:
        ConfigError: If the name is none of :data:`JUDGES`, or an engine is not installed.
        WeightsError: If a recognizer's weights are not here or are another one's.
    """
    name, equals, file = text.partition("=")
    if name in ENGINES and not equals:
        return EngineJudge(name, open_engine(name))
    if name not in RECOGNIZERS or (equals and not file):
        raise ConfigError(f"--recognizer {text}: expected {', '.join(JUDGES)}, NAME=FILE or {ALL}")
    return _recognizer_judge(name, file or None, device, offline=offline)


def open_judges(names: Sequence[str], device: torch.device, *, offline: bool = False) -> tuple[list[Judge], list[str]]:
    """Judges by name, each once, and notices about those that ``all`` left out.

    Raises:
        ConfigError: As :func:`open_judge`, or if there is none.
        WeightsError: Likewise.
    """
    judges: list[Judge] = []
    notices: list[str] = []
    for text in dict.fromkeys(names):
        if text != ALL:
            judges.append(open_judge(text, device, offline=offline))
            continue
        for name in JUDGES:
            try:
                judges.append(open_judge(name, device, offline=True))  # what is at hand, without fetching
            except (ConfigError, WeightsError) as error:
                notices.append(f"left out {error}")
    unique = {judge.info.name: judge for judge in judges}
    if len(unique) < len(judges) and ALL not in names:
        raise ConfigError("--recognizer: each judge can be asked once")
    if not unique:
        raise ConfigError(f"--recognizer: expected at least one of {', '.join(JUDGES)}")
    notices += [judge.info.notice for judge in unique.values() if judge.info.notice]
    return list(unique.values()), notices
