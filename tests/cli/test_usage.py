"""Mistakes on the command line look like all other errors, and Tab knows values."""

import pytest
from typer.testing import CliRunner

from glyphsr_cli.app import app
from glyphsr_cli.completion import completion, weights_names


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["upscale", "--shrad", "1/2"], "No such option"),
        (["upscle"], "No such command"),
        (["upscale"], "expected at least one file"),
        (["models", "path"], "Missing argument"),
        (["--nothing"], "No such option"),
    ],
)
def test_a_mistake_is_one_line_with_exit_code_2(arguments, said):
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: ")
    assert said in line
    assert "--help`" in line


@pytest.mark.parametrize(
    "arguments",
    [
        *([name] for name in ("upscale", "extract", "train", "eval", "visualize", "reproduce", "read", "export")),
        *(["data", name] for name in ("make", "export", "verify", "inspect", "synth", "degrade")),
        *(["models", name] for name in ("list", "pull", "verify", "path", "convert")),
        *(["config", name] for name in ("list", "show", "init", "validate")),
    ],
)
def test_help_has_examples(arguments):
    result = CliRunner().invoke(app, [*arguments, "--help"])
    assert "Example" in result.stdout


def test_values_are_completed():
    assert completion("device", ())("cu") == ["cuda", "cuda:0"]
    assert completion("split", ())("easy,m") == ["easy,medium"]
    assert completion("mode", ("auto", "line", "page"))("p") == ["page"]
    assert "compact" in weights_names("comp")
    assert completion("out", ()) is None


@pytest.mark.parametrize("command", [[], ["upscale"], ["data", "make"], ["models", "list"]])
def test_no_switch_looks_as_if_it_took_a_value(command):
    shown = CliRunner().invoke(app, [*command, "--help"]).stdout
    assert "--help" in shown
    assert "<bool>" not in shown


def test_long_lists_of_choices_break_between_names():
    shown = CliRunner().invoke(app, ["visualize", "--help"], env={"COLUMNS": "80"}).stdout
    assert {"compare", "attention", "failures", "training"} <= set(shown.split())
