"""Whether a training state fits the run that would continue from it."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from glyphsr.config.data import FolderSource
from glyphsr.config.training import TrainConfig
from glyphsr.errors import ConfigError, WeightsError
from glyphsr.weights.checkpoints import current_name

FIXED = (
    *("model.", "task", "recognizer", "prior_weights", "network_weights"),
    *("optimiser.ema_decay", "data.held_out", "loss.focus_recognizer", "channels_last"),
    *("optimiser.pretrained_lr_scale", "optimiser.decoupled_decay"),
)
"""Settings that a run keeps to its end."""

UNSEEN_IN_VALIDATION = (".recombine", ".color_jitter", ".warp")
"""Settings of :data:`VALIDATION` that only words to train on know."""

VALIDATION = ("data.", "validation.protocol", "validation.select_by", "validation.judge", "validation.words")
"""Settings that scores of different weights must share to be compared."""


def _leaves(tree: Any, path: str = "") -> dict[str, Any]:
    # Lists of settings are compared item by item, lists of values as a whole.
    if isinstance(tree, list) and any(isinstance(item, dict) for item in tree):
        tree = dict(enumerate(tree))
    if not isinstance(tree, dict):
        return {path: tree}

    found: dict[str, Any] = {}
    for key, value in tree.items():
        found |= _leaves(value, f"{path}.{key}" if path else str(key))
    return found


def differences(before: TrainConfig, now: TrainConfig) -> Iterator[str]:
    """``path: old -> new`` of every setting that changed."""
    old, new = (_leaves(json.loads(config.model_dump_json())) for config in (before, now))
    for key in sorted(old.keys() | new.keys()):
        if old.get(key) != new.get(key):
            yield f"{key}: {_short(old.get(key))} -> {_short(new.get(key))}"


def validates_otherwise(changes: Iterable[str]) -> bool:
    """Whether scores from before such changes cannot be compared with later ones.

    Args:
        changes: Of :func:`differences`.
    """
    names = [change.partition(":")[0] for change in changes]
    return any(name.startswith(VALIDATION) and not name.endswith(UNSEEN_IN_VALIDATION) for name in names)


def _split_changes(before: TrainConfig, now: TrainConfig) -> Iterator[str]:
    """Folders whose words are held out by another rule, so that words already learned would be validated on."""
    sources = [s for s in before.data.sources if isinstance(s, FolderSource)]
    groups = {source.path: source.group for source in sources}
    for source in now.data.sources:
        if isinstance(source, FolderSource) and groups.get(source.path, source.group) != source.group:
            yield f"group of {source.path}: {_short(groups[source.path])} -> {_short(source.group)}"


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."


def check_resumable(
    state: dict[str, Any], config: TrainConfig, path: Path, *, trainable_names: list[str], smoke: bool
) -> TrainConfig:
    """The configuration that a state was made with.

    Args:
        state: Of :func:`glyphsr.training.run_folder.read_state`.
        config: Of the run that would continue.
        path: Named in messages.
        trainable_names: Names of the parameters that learn in it.
        smoke: Whether it is a smoke run.

    Raises:
        WeightsError: If it is not one of this version.
        ConfigError: If it was made for another model, task or prior, or other held-out words, if other parts learned,
            or if it is beyond this run's last step.
    """
    try:
        before = TrainConfig.model_validate_json(state["config"])
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise WeightsError(f"{path}: its configuration is not one of this version: {where}: {first['msg']}") from error

    # A smoke run's weights are worth nothing to a real one.
    if state["smoke"] != smoke:
        kind = "a smoke run's" if state["smoke"] else "not a smoke run's"
        raise ConfigError(f"{path}: is {kind}; give another --out")

    # What shapes the weights stays as it was.
    changed = [text for text in differences(before, config) if text.startswith(FIXED)]
    changed += _split_changes(before, config)
    if changed:
        more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        raise ConfigError(f"{path}: the run was made with another {changed[0]}{more}; give another --out")

    # The optimiser's state is by position, so exactly the same parameters must learn.
    learned = {current_name(name) for name in state["trained"]}
    other = sorted(set(trainable_names) ^ learned)
    if other:
        why = f"by its losses {other[0]} and {len(other) - 1} more parameters learned, or did not"
        raise ConfigError(f"{path}: {why}, other than by these; give another --out")

    if state["step"] > config.steps:
        raise ConfigError(f"{path}: is at step {state['step']}, beyond the {config.steps} asked for; raise steps")

    return before
