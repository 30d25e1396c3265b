"""The objective that a run's task names."""

from collections.abc import Callable
from typing import Any

from glyphsr.config.training import TrainConfig
from glyphsr.errors import ConfigError
from glyphsr.models.super_resolver import SuperResolver, Trained
from glyphsr.training.objectives.base import Objective
from glyphsr.training.objectives.ocr import open_readers
from glyphsr.training.objectives.prior import PriorObjective
from glyphsr.training.objectives.recognizer import RecognizerObjective
from glyphsr.training.objectives.super_resolution import SuperResolutionObjective
from glyphsr.training.objectives.text_focus import open_text_focus


def build_objective(
    model: Trained,
    config: TrainConfig,
    notify: Callable[[str], None],
    *,
    offline: bool = False,
) -> Objective[Any]:
    """The objective that the configuration's task names.

    Raises:
        WeightsError: If the text-focus recognizer is not to be had.
        ConfigError: If no term is left to minimise.
    """
    if not isinstance(model, SuperResolver):
        return RecognizerObjective(model, config)
    if config.task == "prior":
        return PriorObjective(model, config)
    if not config.has_terms:  # masks may have been taken away since the configuration was read
        raise ConfigError("loss: expected a term with a weight above 0; without masks there is none left")
    focus = open_text_focus(config.loss, notify, offline=offline) if config.focuses else ()
    return SuperResolutionObjective(model, config, focus, open_readers(config.loss, offline=offline))
