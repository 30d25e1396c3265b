"""Builds networks and fills them: from our checkpoints, or from published files."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError
from torch import Tensor

from glyphsr.config.model import CRNNConfig, ModelConfig, PARSeqConfig, RecognizerConfig
from glyphsr.errors import ConfigError, WeightsError
from glyphsr.models.glyphsr.network import GlyphSR
from glyphsr.models.glyphsr.official_keys import config_from_keys, from_official
from glyphsr.models.registry import RecognizerNetwork, build_recognizer
from glyphsr.models.super_resolver import SuperResolver, TextPriorGenerator
from glyphsr.weights.checkpoints import Checkpoint, load_state, read_checkpoint
from glyphsr.weights.official import read_state
from glyphsr.weights.registry import find_weights

FOREIGN_SUFFIXES = {".pth", ".pt", ".ckpt", ".tar"}
"""Endings of published files; everything else is taken for one of ours."""

PRIOR_PREFIX = "prior.recognizer."
"""Where a super-resolver's checkpoint keeps its text prior."""


@dataclass(frozen=True, eq=False)
class LoadedModel:
    """A model ready to run and what is known of it."""

    model: SuperResolver
    path: Path
    card: dict[str, Any] = field(default_factory=dict)

    @property
    def default_strength(self) -> float:
        """Share of the network's change that its card recommends; 1 where it says nothing."""
        return float(self.card.get("strength", 1.0))


def _recognizer_config(values: Any, where: str) -> CRNNConfig | PARSeqConfig:
    adapter: TypeAdapter[CRNNConfig | PARSeqConfig] = TypeAdapter(RecognizerConfig)
    try:
        return adapter.validate_json(json.dumps(values))
    except ValidationError as error:
        raise WeightsError(f"{where}: its configuration is not one of this version: {error.errors()[0]}") from error


def load_super_resolver(path: Path) -> tuple[SuperResolver, Checkpoint]:
    """Network and prior from one of our checkpoints, in eval mode, in float32 whatever the storage.

    Raises:
        WeightsError: If the file cannot be read, holds something else or does not fit.
    """
    checkpoint = read_checkpoint(path)
    if checkpoint.kind != "super_resolver":
        raise WeightsError(f"{path}: holds a {checkpoint.kind}, expected a super_resolver")
    try:
        config = ModelConfig.model_validate_json(json.dumps(checkpoint.config))
    except ValidationError as error:
        raise WeightsError(f"{path}: its configuration is not one of this version: {error.errors()[0]}") from error
    model = SuperResolver.from_config(config)
    load_state(model, checkpoint.tensors, str(path))
    return model.eval(), checkpoint


def load_recognizer(path: Path) -> RecognizerNetwork:
    """A recognizer from its own checkpoint or from a super-resolver's prior, in eval mode.

    Raises:
        WeightsError: If the file cannot be read or does not fit.
    """
    checkpoint = read_checkpoint(path)
    config, tensors = checkpoint.config, checkpoint.tensors
    if checkpoint.kind == "super_resolver":
        config = config["prior"]
        tensors = {k.removeprefix(PRIOR_PREFIX): v for k, v in tensors.items() if k.startswith(PRIOR_PREFIX)}
    network = build_recognizer(_recognizer_config(config, str(path)))
    load_state(network, tensors, str(path))
    return network.eval()


def glyphsr_from_official(state: Mapping[str, Tensor], where: str = "checkpoint") -> GlyphSR:
    """The released network in eval mode; its shape is read off the keys.

    The constants of the inactive spatial transformer may be missing; they are computed.

    Args:
        state: Official key -> tensor, unwrapped.
        where: Named in messages.

    Raises:
        WeightsError: If the keys or shapes are not those of a released network.
    """
    try:
        config, num_classes = config_from_keys({key: tuple(value.shape) for key, value in state.items()})
    except (ValueError, KeyError) as error:
        raise WeightsError(f"{where}: {error}") from error
    network = GlyphSR.from_config(config, num_classes=num_classes)
    tensors = {from_official(key, config): value for key, value in state.items()}
    constants = {key: value for key, value in network.state_dict().items() if key.startswith("stn.tps.")}
    load_state(network, constants | tensors, where)
    return network.eval()


def recognizer_from_official(
    state: Mapping[str, Tensor], config: CRNNConfig | PARSeqConfig, where: str = "checkpoint"
) -> RecognizerNetwork:
    """A published CRNN or PARSeq in eval mode; our module names are the published ones.

    Raises:
        WeightsError: If the keys or shapes do not fit ``config``.
    """
    network = build_recognizer(config)
    load_state(network, dict(state), where)
    return network.eval()


def published_prior_config(state: Mapping[str, Tensor], where: str) -> CRNNConfig | PARSeqConfig:
    """Which published recognizer a state dict belongs to.

    Raises:
        WeightsError: If it is neither CRNN nor PARSeq.
    """
    if "cnn.conv0.weight" in state:
        return CRNNConfig()
    if "pos_queries" in state:
        tiny = state["pos_queries"].shape[-1] == 192
        return PARSeqConfig(embed_dim=192, encoder_heads=3, decoder_heads=6) if tiny else PARSeqConfig()
    raise WeightsError(f"{where}: neither a CRNN nor a PARSeq checkpoint")


def _load_published(path: Path, prior_weights: str | Path | None) -> LoadedModel:
    network = glyphsr_from_official(read_state(path), str(path))
    if prior_weights is None:
        raise ConfigError(f"{path}: a published network needs its text prior too; give --prior-weights parseq.pt")
    prior_path = find_weights(prior_weights)
    state = read_state(prior_path)
    prior_config = published_prior_config(state, str(prior_path))
    recognizer = recognizer_from_official(state, prior_config, str(prior_path))
    if recognizer.num_classes != network.num_classes:
        raise WeightsError(
            f"{prior_path}: gives {recognizer.num_classes} classes, "
            f"but {path.name} was trained with {network.num_classes}"
        )
    config = ModelConfig(network=network.config, prior=prior_config)
    model = SuperResolver(config, prior=TextPriorGenerator(recognizer), network=network)
    return LoadedModel(model.eval(), path)


def load_model(weights: str | Path, prior_weights: str | Path | None = None) -> LoadedModel:
    """Load a model by name or path.

    Args:
        weights: A name, one of our checkpoints, or a released GlyphSR ``.pth``.
        prior_weights: With a released network, the published CRNN or PARSeq that gives its text prior.

    Raises:
        WeightsError: If a file is missing, damaged or does not fit.
        ConfigError: If ``prior_weights`` is missing or given where it has no use.
    """
    path = find_weights(weights)
    if path.suffix.lower() in FOREIGN_SUFFIXES:
        return _load_published(path, prior_weights)
    if prior_weights is not None:
        raise ConfigError(f"{path}: brings its own text prior; leave --prior-weights away")
    model, checkpoint = load_super_resolver(path)
    return LoadedModel(model, path, checkpoint.card)
