"""Builds networks and fills them: from our checkpoints, or from published files."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from pydantic import TypeAdapter, ValidationError

from glyphsr.config.model import ModelConfig
from glyphsr.config.networks import NetworkConfig
from glyphsr.config.recognizers import PRIOR_CONFIGS, PriorConfig, RecognizerConfig
from glyphsr.errors import ConfigError, WeightsError
from glyphsr.models.registry import (
    PriorNetwork,
    RecognizerNetwork,
    SRNetwork,
    build_network,
    build_prior,
    build_recognizer,
)
from glyphsr.models.super_resolver import SuperResolver
from glyphsr.models.text_prior import TextPriorGenerator
from glyphsr.safe_reading.text_files import shorten
from glyphsr.weights.checkpoints import Checkpoint, build_for, read_checkpoint
from glyphsr.weights.facts import ModelFacts, PriorWeights
from glyphsr.weights.hub import resolve
from glyphsr.weights.published import (
    is_published_file,
    network_config,
    network_from_official,
    read_state,
    recognizer_from_official,
)

PRIOR_OF = {37: "crnn", 95: "parseq"}
"""Classes of the text prior -> the recognizer that published networks of so many were trained with."""

PRIOR_PREFIX = "prior.recognizer."
"""Where a super-resolver's checkpoint keeps its text prior."""

MOST_CLASSES = 100_000
"""Of a text prior; all characters of Unicode that are in use are no more."""


@dataclass(frozen=True, eq=False)
class LoadedModel(ModelFacts):
    """A model ready to run by torch and what is known of it."""

    model: SuperResolver = field(kw_only=True)


def _config(kind: Any, values: Any, where: str) -> Any:
    try:
        return TypeAdapter(kind).validate_json(json.dumps(values))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise WeightsError(f"{where}: its configuration is not one of this version: {place}: {first['msg']}") from error


def load_super_resolver(path: Path) -> tuple[SuperResolver, Checkpoint]:
    """Network and prior from one of our checkpoints, in eval mode, in float32 whatever the storage.

    Raises:
        WeightsError: If the file cannot be read, holds something else or does not fit.
    """
    checkpoint = read_checkpoint(path)
    if checkpoint.kind != "super_resolver":
        raise WeightsError(f"{path}: holds a {checkpoint.kind}, expected a super_resolver")
    config = _config(ModelConfig, checkpoint.config, str(path))
    return build_for(lambda: SuperResolver.from_config(config), checkpoint.tensors, str(path)), checkpoint


def load_recognizer(path: Path) -> RecognizerNetwork:
    """A recognizer in eval mode: from its own checkpoint, a super-resolver's prior, or a published file.

    Raises:
        WeightsError: If the file cannot be read or does not fit.
    """
    if is_published_file(path):
        return recognizer_from_official(read_state(path), str(path))

    checkpoint = read_checkpoint(path)
    config, tensors = checkpoint.config, checkpoint.tensors
    if checkpoint.kind == "network":
        raise WeightsError(f"{path}: holds a network, expected a recognizer")

    # Of a super-resolver only the recognizer that is its prior is taken.
    if checkpoint.kind == "super_resolver":
        config = config.get("prior") or {}
        tensors = {k.removeprefix(PRIOR_PREFIX): v for k, v in tensors.items() if k.startswith(PRIOR_PREFIX)}
        if not tensors:
            raise WeightsError(f"{path}: holds a network without text prior, expected a recognizer")

    shape = _config(RecognizerConfig, config, str(path))
    return build_for(lambda: build_recognizer(shape), tensors, str(path))


def load_network(path: Path) -> SRNetwork:
    """A super-resolution network without its prior: a published file, or what ``models convert`` made of one.

    Raises:
        WeightsError: If the file cannot be read or does not fit.
    """
    if is_published_file(path):
        return network_from_official(read_state(path), str(path))
    checkpoint = read_checkpoint(path)
    if checkpoint.kind != "network":
        raise WeightsError(f"{path}: holds a {checkpoint.kind}, expected a network")

    config: NetworkConfig = _config(NetworkConfig, checkpoint.config, str(path))
    classes = _num_classes(checkpoint)
    return build_for(lambda: build_network(config, num_classes=classes), checkpoint.tensors, str(path))


def _num_classes(checkpoint: Checkpoint) -> int:
    classes = checkpoint.card.get("num_classes", 0)
    if not isinstance(classes, int) or not 0 <= classes <= MOST_CLASSES:
        raise WeightsError(f"{checkpoint.path}: damaged card: num_classes: {shorten(classes)}")
    return classes


def load_prior(path: Path) -> PriorNetwork:
    """A recognizer that can be a text prior.

    Raises:
        WeightsError: If the file cannot be read, does not fit, or holds a recognizer without class probabilities.
    """
    recognizer = load_recognizer(path)
    if not isinstance(recognizer.config, PRIOR_CONFIGS):
        raise WeightsError(f"{path}: holds {recognizer.config.kind}, which cannot be a text prior")
    prior = build_prior(cast("PriorConfig", recognizer.config))
    prior.load_state_dict(recognizer.state_dict())
    return prior.eval()


def _listed(prior_weights: PriorWeights) -> list[str | Path]:
    if prior_weights is None:
        return []
    return [prior_weights] if isinstance(prior_weights, str | Path) else list(prior_weights)


def _with_prior(network: SRNetwork, path: Path, priors: list[str | Path], *, offline: bool) -> LoadedModel:
    config = network.config
    if not config.needs_prior:
        if priors:
            raise ConfigError(f"{path}: {config.kind} is not guided by a text prior; leave --prior-weights away")
        model = SuperResolver(ModelConfig(network=config), prior=None, network=network)
        return LoadedModel(model.config, path, published=True, model=model.eval())
    if not priors:
        kind = PRIOR_OF.get(network.num_classes, f"a recognizer of {network.num_classes} classes")
        raise ConfigError(
            f"{path}: this {config.kind} needs its text prior too, of {network.num_classes} classes; "
            f"give --prior-weights {kind}, a name or a file"
        )

    # The first of the given priors with as many classes as the network was trained with.
    found: list[str] = []
    for prior in priors:
        prior_path = resolve(prior, offline=offline)
        recognizer = load_prior(prior_path)
        if recognizer.num_classes == network.num_classes:
            model_config = ModelConfig(network=config, prior=recognizer.config)
            model = SuperResolver(model_config, prior=TextPriorGenerator(recognizer), network=network)
            return LoadedModel(model_config, path, prior_path=prior_path, published=True, model=model.eval())
        found.append(f"{prior_path}: gives {recognizer.num_classes} classes")

    raise WeightsError(f"{', '.join(found)}, but {path.name} was trained with {network.num_classes}")


def load_model(weights: str | Path, prior_weights: PriorWeights = None, *, offline: bool = False) -> LoadedModel:
    """Load a super-resolver by name or path.

    Args:
        weights: A name, one of our checkpoints, or a published network's file.
        prior_weights: With a published network that is guided by one, the CRNN or PARSeq that gives its text prior;
            of several, the first with as many classes as the network was trained with.
        offline: Never fetch anything.

    Raises:
        WeightsError: If a file is missing, damaged or does not fit.
        ConfigError: If ``prior_weights`` is missing or given where it has no use.
    """
    path = resolve(weights, offline=offline)
    if is_published_file(path) or read_checkpoint(path, tensors=False).kind == "network":
        return _with_prior(load_network(path), path, _listed(prior_weights), offline=offline)
    # Our own files hold network and prior together; published ones hold the network.
    if _listed(prior_weights):
        raise ConfigError(f"{path}: brings its own text prior; leave --prior-weights away")
    model, checkpoint = load_super_resolver(path)
    return LoadedModel(model.config, path, checkpoint.card, model=model)


def wants_prior(weights: str | Path, *, offline: bool = False) -> bool:
    """Whether these weights are a network that :func:`load_model` needs ``prior_weights`` for.

    Raises:
        WeightsError: If they are missing or damaged.
    """
    path = resolve(weights, offline=offline)
    if is_published_file(path):
        config = network_config(read_state(path), str(path))
        return config is not None and config.needs_prior
    checkpoint = read_checkpoint(path, tensors=False)
    return checkpoint.kind == "network" and _num_classes(checkpoint) > 0
