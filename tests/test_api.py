"""Python and the command line offer the same: each command's options are its function's arguments."""

import importlib
import inspect

import pytest
import typer

import glyphsr
from glyphsr_cli.app import app
from glyphsr_cli.config_options import build

COMMANDS = {
    "upscale": "upscale_files",
    "read": "read_files",
    "extract": "extract",
    "train": "train",
    "eval": "evaluate",
    "visualize": "visualize",
    "reproduce": "reproduce",
}

OF_THE_TERMINAL = {"json_", "print0", "progress", "verbose", "quiet", "sets", "help"}
"""Options that say how results are shown."""

ELSEWHERE = {
    "upscale": {"more_inputs", "clipboard", "seed"},  # the same as INPUT; the input "clipboard:"; changes nothing
    "extract": {"more", "seed"},  # the same as --lmdb; changes nothing
    "eval": {"calibrate", "compare_paper", "fail_under", "format_", "out"},  # of the report that is returned
    "reproduce": {"format_", "lmdb", "sam_checkpoint"},  # the latter two are glyphsr.compare_masks
}


def options_of(name):
    group = typer.main.get_command(app)
    context = typer.Context(group)
    command = build(group.get_command(context, name), name, {})
    return {parameter.name for parameter in command.params}


@pytest.mark.parametrize("command", COMMANDS)
def test_each_option_of_a_command_is_an_argument_of_its_function(command):
    arguments = set(inspect.signature(getattr(glyphsr, COMMANDS[command])).parameters)
    options = options_of(command) - OF_THE_TERMINAL - ELSEWHERE.get(command, set())
    assert options <= arguments, f"missing in glyphsr.{COMMANDS[command]}: {sorted(options - arguments)}"


@pytest.mark.parametrize(
    ("function", "config"),
    [
        ("upscale_files", "glyphsr.config.upscale:UpscaleConfig"),
        ("evaluate", "glyphsr.config.evaluation:EvalConfig"),
        ("visualize", "glyphsr.config.visualize:VisualizeConfig"),
    ],
)
def test_each_setting_is_an_argument(function, config):
    module, _, name = config.partition(":")
    fields = getattr(importlib.import_module(module), name).model_fields
    assert fields.keys() <= inspect.signature(getattr(glyphsr, function)).parameters.keys()


@pytest.mark.parametrize("name", [name for name in glyphsr.__all__ if name != "__version__"])
def test_public_functions_name_and_type_their_arguments(name):
    parameters = inspect.signature(getattr(glyphsr, name)).parameters.values()
    assert not [p.name for p in parameters if p.kind in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
    assert all(p.annotation is not inspect.Parameter.empty for p in parameters)
