"""Which settings each command has."""

import importlib

from glyphsr.config.base import Config

COMMANDS: dict[str, str] = {
    "train": "glyphsr.config.training:TrainConfig",
    "upscale": "glyphsr.config.upscale:UpscaleConfig",
    "read": "glyphsr.config.read:ReadConfig",
    "eval": "glyphsr.config.evaluation:EvalConfig",
    "extract": "glyphsr.config.extraction:ExtractConfig",
    "synth": "glyphsr.config.synth:SynthConfig",
    "visualize": "glyphsr.config.visualize:VisualizeConfig",
    "serve": "glyphsr.config.serve:ServeConfig",
    "demo": "glyphsr.config.serve:DemoConfig",
}
"""Settings of all commands; imported where one is asked for, since all of them take a while."""


def settings_of(command: str) -> type[Config]:
    """Class of a command's settings."""
    module, _, name = COMMANDS[command].partition(":")
    found: type[Config] = getattr(importlib.import_module(module), name)
    return found
