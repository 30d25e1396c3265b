"""Whether a training state fits the run that would go on from it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from glyphsr.config.training import TrainConfig
from glyphsr.errors import ConfigError, WeightsError


def _leaves(tree: Any, path: str = "") -> dict[str, Any]:
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


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."


def check_resumable(state: dict[str, Any], config: TrainConfig, path: Path) -> TrainConfig:
    """The configuration that a state was made with.

    Raises:
        WeightsError: If it is not one of this version.
        ConfigError: If it was made for another model or task, or beyond the last step of this one.
    """
    try:
        before = TrainConfig.model_validate_json(state["config"])
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise WeightsError(f"{path}: its configuration is not one of this version: {where}: {first['msg']}") from error
    fixed = ("model.", "task", "optimiser.ema_decay")
    changed = [text for text in differences(before, config) if text.startswith(fixed)]
    if changed:
        more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        raise ConfigError(f"{path}: the run was made with another {changed[0]}{more}; give another --out")
    if state["step"] > config.steps:
        raise ConfigError(f"{path}: is at step {state['step']}, beyond the {config.steps} asked for; raise steps")
    return before
