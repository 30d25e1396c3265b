"""What is judged in an evaluation: untouched pictures and the results of networks."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, Self, get_args

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from glyphsr.config.evaluation import Baseline, EvalConfig
from glyphsr.data.pair_loader import to_tensor
from glyphsr.errors import ConfigError
from glyphsr.evaluation.paper_tables import ROWS
from glyphsr.images.resize import FloatImage
from glyphsr.images.resize import resize as resize_line
from glyphsr.types import Sample
from glyphsr.upscaling.line import Line
from glyphsr.upscaling.upscaler import Upscaler
from glyphsr.weights.exported import SUFFIX
from glyphsr.weights.facts import ModelFacts
from glyphsr.weights.loading import wants_prior
from glyphsr.weights.registry import is_file_name

NONE = "none"


@dataclass(frozen=True)
class MethodInfo:
    """What a report says of one row."""

    name: str
    weights: str | None = None
    """File of a network's weights."""
    sha256: dict[str, str] = field(default_factory=dict)
    """By file name: the network's, and its text prior's where that is another file."""
    network: str | None = None
    """Kind of network."""
    strength: float | None = None
    paper: str | None = None
    """Id of the published row that it belongs to (:mod:`glyphsr.evaluation.paper_tables`)."""
    readers: tuple[str, ...] = ()
    """Hashes of the recognizers that read what it drew while it was trained, as its card says."""


class Method(Protocol):
    """Makes the pictures that are judged."""

    info: MethodInfo

    def paper_protocol(self, lr: Tensor, hr: Tensor) -> Tensor:
        """``(B, 3, 16, 64)`` and ``(B, 3, 32, 128)`` in [0, 1] -> pictures ``(B, 3, 32, 128)``, not clipped."""
        ...

    def standard_protocol(self, samples: Sequence[Sample]) -> list[Tensor]:
        """Samples as stored -> 8-bit pictures ``(3, H, W)`` in [0, 1] of each HR side's size."""
        ...


def _as_saved(picture: FloatImage) -> Tensor:
    """``(H, W, 3)`` -> ``(3, H, W)``, clipped and rounded as a saved 8-bit file would be."""
    return torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1).clamp(0, 1).mul(255).round().div(255)


def _floats(image: np.ndarray) -> FloatImage:
    return image.astype(np.float32) / np.float32(255)


def _lr(sample: Sample) -> FloatImage:
    assert sample.lr is not None
    return _floats(sample.lr)


def enlarge(lr: Tensor) -> Tensor:
    """Bicubic by two: the baseline and what ``strength`` starts from."""
    return F.interpolate(lr, scale_factor=2, mode="bicubic", align_corners=False)


class BaselineMethod:
    """Pictures that no network touched: bicubic, the HR side, or the LR side as it is."""

    def __init__(self, kind: Baseline) -> None:
        self.kind = kind
        self.info = MethodInfo(kind)

    def paper_protocol(self, lr: Tensor, hr: Tensor) -> Tensor:
        """As :meth:`Method.paper_protocol`; the LR side keeps its size."""
        return {"bicubic": enlarge(lr), "hr": hr, "lr": lr}[self.kind]

    def standard_protocol(self, samples: Sequence[Sample]) -> list[Tensor]:
        """As :meth:`Method.standard_protocol`; the LR side keeps its size."""
        if self.kind == "hr":
            return [to_tensor([sample.hr])[0] for sample in samples]
        if self.kind == "lr":
            return [_as_saved(_lr(sample)) for sample in samples]
        return [_as_saved(resize_line(_lr(sample), sample.hr.shape[:2])) for sample in samples]


class NetworkMethod:
    """A super-resolution network at its strength."""

    def __init__(self, name: str, upscaler: Upscaler) -> None:
        self.upscaler = upscaler
        loaded = upscaler.loaded
        kind = loaded.config.network.kind
        readers = tuple(loaded.card.get("readers", ()))
        self.info = MethodInfo(
            name, str(loaded.path), loaded.hashes, kind, upscaler.strength, _paper_row(loaded, name), readers
        )

    def paper_protocol(self, lr: Tensor, hr: Tensor) -> Tensor:
        """As :meth:`Method.paper_protocol`; at strength 1 exactly the network's output."""
        del hr
        # (B, C, h, w) -> B pictures (h, w, C), and back.
        windows = list(lr.permute(0, 2, 3, 1).contiguous().numpy())
        found = np.stack(self.upscaler.super_resolve(windows))
        sr = torch.from_numpy(found).permute(0, 3, 1, 2)
        if self.upscaler.strength == 1:
            return sr
        return torch.lerp(enlarge(lr), sr, self.upscaler.strength)

    def standard_protocol(self, samples: Sequence[Sample]) -> list[Tensor]:
        """As :meth:`Method.standard_protocol`: what ``glyphsr upscale`` would save."""
        lines = [Line(_lr(sample), sample.hr.shape[:2]) for sample in samples]
        return [_as_saved(result.rgb) for result in self.upscaler.upscale_lines(lines)]


def _paper_row(loaded: ModelFacts, name: str) -> str | None:
    """Id of the published row of a network: what its run was configured for, or whose file it is said to be."""
    if not loaded.published:
        row = loaded.card.get("paper_row")
        return row if row in ROWS else None

    config = loaded.config.network
    if config.published_row is not None:
        return config.published_row

    # A name that was given counts first: Text Gestalt's files hold TSRN's network.
    candidates = (f"{table}/{key}" for key in (name.lower(), config.kind) for table in ("table1", "others"))
    return next((row for row in candidates if row in ROWS), None)


def distinct_names(short: Sequence[str], full: Sequence[str], taken: Sequence[str] = ()) -> list[str]:
    """Short names where they tell things apart, else the full ones, as given.

    Example:
        >>> distinct_names(["easy", "hard"], ["a/easy", "hard"]), distinct_names(["easy"] * 2, ["a/easy", "b/easy"])
        (['easy', 'hard'], ['a/easy', 'b/easy'])
    """
    return [
        own if list(short).count(own) == 1 and own not in taken else whole
        for own, whole in zip(short, full, strict=True)
    ]


@dataclass(frozen=True)
class NamedWeights:
    """Weights as given on a command line, ``NAME=FILE`` or ``NAME=RUN FOLDER`` or either without a name."""

    name: str | None
    file: str
    """File, or name in the registry."""
    text: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Take a name off, and find the best weights of a run folder.

        Raises:
            ConfigError: If the name is empty or a baseline's, or a folder holds no weights.
        """
        name, equals, file = text.partition("=")
        # A path may have "=" in it; then it is no name and file.
        if not equals or Path(text).exists() or "/" in name or "\\" in name:
            name, file = "", text
        elif not name or not file or name in get_args(Baseline):
            raise ConfigError(f"--weights {text}: expected NAME=FILE, NAME of your choice, not {name!r}")
        return cls(name or None, str(weights_of(Path(file))) if Path(file).is_dir() else file, text)

    @property
    def label(self) -> str:
        """What the row is called, where only this one is so called."""
        if self.name:
            return self.name
        full = self.text.replace("\\", "/").rstrip("/")
        return full.rpartition("/")[2] if is_file_name(self.file) else full


def weights_of(folder: Path) -> Path:
    """The best weights of a run folder, or its last ones.

    Raises:
        ConfigError: If it holds none.
    """
    places = [folder / "checkpoints" / f"{name}.safetensors" for name in ("best", "last")]
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        raise ConfigError(f"--weights {folder}: a folder without checkpoints/best.safetensors; is it a training run's?")
    return found


def _names(weights: Sequence[NamedWeights]) -> list[str]:
    """Names of the rows: as given, or the file's; the whole path where that would be another row's."""
    full = [own.name or own.text.replace("\\", "/") for own in weights]
    names = distinct_names([own.label for own in weights], full, get_args(Baseline))
    return [f"{name} (weights)" if name in get_args(Baseline) else name for name in names]


def open_methods(config: EvalConfig) -> list[Method]:
    """The rows of a table: bicubic (and LR) first, networks as given, HR last.

    Raises:
        ConfigError: If the same weights are named twice.
        WeightsError: If weights are missing, damaged or do not fit.
    """
    # Rows must differ in their names, and each file is scored once.
    weights = [] if config.weights == (NONE,) else [NamedWeights.parse(text) for text in config.weights]
    if len({own.file for own in weights}) < len(weights):
        raise ConfigError("--weights: the same weights are named twice")
    if len({own.name for own in weights if own.name}) < sum(own.name is not None for own in weights):
        raise ConfigError("--weights: two rows have the same name")

    networks: list[Method] = []
    # Published files have to be read for that, so they are only asked where there is a prior to give.
    guided = [
        bool(config.prior_weights) and not own.file.endswith(SUFFIX) and wants_prior(own.file, offline=config.offline)
        for own in weights
    ]
    if config.prior_weights and not any(guided):
        raise ConfigError("--prior-weights: none of the networks is a published one that is guided by a text prior")

    for name, own, wants in zip(_names(weights), weights, guided, strict=True):
        upscaler = Upscaler(
            own.file,
            prior_weights=config.prior_weights if wants else (),
            device=config.device,
            precision=config.precision,
            runtime=config.runtime,
            batch_size=config.batch_size,
            strength=config.strength,
            offline=config.offline,
        )
        networks.append(NetworkMethod(name, upscaler))

    # From the least to the best, as the papers order their tables: LR, bicubic, networks, HR.
    before: list[Method] = [BaselineMethod(kind) for kind in ("lr", "bicubic") if kind in config.baseline]
    after: list[Method] = [BaselineMethod("hr")] if "hr" in config.baseline else []
    if not (before or networks or after):
        raise ConfigError("--weights none: expected at least one of --baseline bicubic, hr and lr with it")

    return [*before, *networks, *after]
