"""Options made from configuration fields: each is written once, and reaches the settings."""

import importlib
import inspect

import pytest

from glyphsr.config.base import Flag
from glyphsr_cli.commands.demo import demo
from glyphsr_cli.commands.eval_ import eval_
from glyphsr_cli.commands.extract import extract
from glyphsr_cli.commands.serve import serve
from glyphsr_cli.commands.upscale import upscale
from glyphsr_cli.commands.visualize import visualize
from glyphsr_cli.config_options import BUILD, settings_command

COMMANDS = {
    "glyphsr.config.upscale:UpscaleConfig": upscale,
    "glyphsr.config.extraction:ExtractConfig": extract,
    "glyphsr.config.evaluation:EvalConfig": eval_,
    "glyphsr.config.visualize:VisualizeConfig": visualize,
    "glyphsr.config.serve:ServeConfig": serve,
    "glyphsr.config.serve:DemoConfig": demo,
}


def config_class(path):
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name)


@pytest.mark.parametrize("path", COMMANDS)
def test_every_flagged_field_is_an_option_with_its_docstring_as_help(path):
    parameters = inspect.signature(getattr(COMMANDS[path], BUILD)()).parameters
    fields = config_class(path).model_fields
    flagged = [name for name, field in fields.items() if any(isinstance(item, Flag) for item in field.metadata)]
    assert flagged
    for name in flagged:
        (option,) = parameters[name].annotation.__metadata__  # Typer keeps the first name as `default`
        assert option.default == f"--{name.replace('_', '-')}"
        assert option.help == " ".join(fields[name].description.replace("``", "").split())


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"scale": 3.0, "batch_size": "8", "recursive": True}, {"scale": 3.0, "batch_size": 8, "recursive": True}),
        ({"batch_size": "auto", "guard": "warn"}, {"batch_size": "auto", "guard": "warn"}),
        ({}, {"scale": None, "batch_size": "auto", "recursive": False}),
    ],
)
def test_what_the_command_line_gives_becomes_settings(values, expected):
    seen = []

    @settings_command("glyphsr.config.upscale:UpscaleConfig")
    def command(settings, extra=None):
        seen.append(settings.model_dump())

    run = getattr(command, BUILD)()
    defaults = {name: parameter.default for name, parameter in inspect.signature(run).parameters.items()}
    run(**defaults | values)
    assert expected.items() <= seen[0].items()


def test_lists_of_texts_and_of_numbers():
    seen = []

    @settings_command("glyphsr.config.evaluation:EvalConfig")
    def command(settings):
        seen.append(settings)

    run = getattr(command, BUILD)()
    defaults = {name: parameter.default for name, parameter in inspect.signature(run).parameters.items()}
    run(**defaults | {"split": ["easy,hard", "medium"], "weights": ["a,b.pth"]})
    assert (seen[0].split, seen[0].weights) == (("easy", "hard", "medium"), ("a,b.pth",))
