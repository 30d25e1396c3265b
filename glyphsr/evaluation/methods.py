"""What is judged in an evaluation: untouched pictures and the results of networks."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, get_args

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from glyphsr.config.evaluation import Baseline, EvalConfig
from glyphsr.data.pair_loader import to_tensor
from glyphsr.errors import ConfigError
from glyphsr.images.resize import FloatImage
from glyphsr.images.resize import resize as resize_line
from glyphsr.types import Sample
from glyphsr.upscaling.line import Line
from glyphsr.upscaling.upscaler import Upscaler
from glyphsr.weights.loading import LoadedModel, wants_prior
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
    published: str | None = None
    """Which of the paper's rows it belongs to, for a network from its authors' file."""
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
        kind = loaded.model.config.network.kind
        readers = tuple(loaded.card.get("readers", ()))
        self.info = MethodInfo(
            name, str(loaded.path), loaded.hashes, kind, upscaler.strength, _paper_row(loaded), readers
        )

    def paper_protocol(self, lr: Tensor, hr: Tensor) -> Tensor:
        """As :meth:`Method.paper_protocol`; at strength 1 exactly the network's output."""
        del hr
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


def _paper_row(loaded: LoadedModel) -> str | None:
    """Name of the paper's row of a published network; our own checkpoints have none."""
    if not loaded.published:
        return None
    return loaded.model.config.network.paper_row


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


def _names(weights: Sequence[str]) -> list[str]:
    """Names of the rows: as given, or the file's; the whole path where that would be another row's."""
    full = [text.replace("\\", "/") for text in weights]
    short = [text.rpartition("/")[2] if is_file_name(text) else text for text in full]
    names = distinct_names(short, full, get_args(Baseline))
    return [f"{name} (weights)" if name in get_args(Baseline) else name for name in names]


def open_methods(config: EvalConfig) -> list[Method]:
    """The rows of a table: bicubic (and LR) first, networks as given, HR last.

    Raises:
        ConfigError: If the same weights are named twice.
        WeightsError: If weights are missing, damaged or do not fit.
    """
    weights = [] if config.weights == (NONE,) else list(config.weights)
    if len(set(weights)) < len(weights):
        raise ConfigError("--weights: the same weights are named twice")
    networks: list[Method] = []
    # Published files have to be read for that, so they are only asked where there is a prior to give.
    guided = [bool(config.prior_weights) and wants_prior(text, offline=config.offline) for text in weights]
    if config.prior_weights and not any(guided):
        raise ConfigError("--prior-weights: none of the networks is a published one that is guided by a text prior")
    for name, text, wants in zip(_names(weights), weights, guided, strict=True):
        upscaler = Upscaler(
            text,
            prior_weights=config.prior_weights if wants else (),
            device=config.device,
            precision=config.precision,
            batch_size=config.batch_size,
            strength=config.strength,
            offline=config.offline,
        )
        networks.append(NetworkMethod(name, upscaler))
    before: list[Method] = [BaselineMethod(kind) for kind in ("lr", "bicubic") if kind in config.baseline]
    after: list[Method] = [BaselineMethod("hr")] if "hr" in config.baseline else []
    if not (before or networks or after):
        raise ConfigError("--weights none: expected at least one of --baseline bicubic, hr and lr with it")
    return [*before, *networks, *after]
