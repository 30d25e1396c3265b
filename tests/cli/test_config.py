import json
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from glyphsr.config.commands import COMMANDS, settings_of
from glyphsr.config.named import find_config, named_configs
from glyphsr.config.reader import load
from glyphsr.config.training import TrainConfig
from glyphsr.errors import ConfigError
from glyphsr_cli.app import app


@pytest.fixture(autouse=True)
def somewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def run(*arguments):
    return CliRunner().invoke(app, ["config", *arguments])


def test_every_configuration_has_a_name_and_says_what_it_is():
    rows = {row["name"]: row for row in json.loads(run("list", "--json").stdout)["configs"]}
    assert {"glyphsr", "compact", "ablation/table3-line", "recognizers/crnn"} <= rows.keys()
    assert all(row["about"] for row in rows.values())
    assert rows["glyphsr"]["about"].startswith("The paper")


@pytest.mark.parametrize(
    "given", ["glyphsr", "glyphsr.yaml", "configs/glyphsr.yaml", "table3-line", "ablation/table3-line"]
)
def test_names_stand_for_files_of_the_package(given):
    assert find_config(given) in named_configs().values()
    assert load(TrainConfig, given, environment={}).steps == 72_200


def test_a_file_comes_before_a_name_and_wrong_names_show_the_nearest(tmp_path):
    Path("tsrn").mkdir()  # as in a clone, which has a folder of the package's name
    assert find_config("tsrn") == named_configs()["tsrn"]
    Path("glyphsr").write_text("steps: 3\n")
    assert load(TrainConfig, "glyphsr", environment={}).steps == 3
    with pytest.raises(ConfigError, match="did you mean 'tsrn'"):
        find_config("tsrm")
    with pytest.raises(ConfigError, match=r"my\.yaml"):
        load(TrainConfig, "my.yaml", environment={})


def test_a_named_configuration_is_copied_whole():
    assert run("init", "table3-line", "-o", "mine.yaml").exit_code == 0
    assert load(TrainConfig, "mine.yaml", environment={}) == load(TrainConfig, "table3-line", environment={})
    again = run("init", "table3-line", "-o", "mine.yaml")
    assert (again.exit_code, len(again.stderr.splitlines())) == (2, 1)


@pytest.mark.parametrize("command", COMMANDS)
def test_defaults_of_every_command_are_written_with_what_they_mean(command):
    result = run("init", "--for", command)
    assert (result.exit_code, result.stdout) == (0, f"{command}.yaml\n"), result.stderr
    content = Path(f"{command}.yaml").read_text()
    assert content.count("#") > 3
    assert load(settings_of(command), f"{command}.yaml", environment={}) == settings_of(command)()
    assert run("validate", f"{command}.yaml", "--for", command).exit_code == 0
    assert yaml.safe_load(run("show", "--for", command).stdout).keys() == settings_of(command).model_fields.keys()
