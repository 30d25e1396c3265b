import re
from pathlib import Path

import pytest

from glyphsr.config.networks import GlyphSRConfig
from glyphsr.config.reader import load, validate
from glyphsr.config.training import TrainConfig
from glyphsr.config.upscale import UpscaleConfig
from glyphsr.errors import ConfigError

CONFIGS = sorted((Path(__file__).parents[2] / "configs").rglob("*.yaml"))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda p: p.name)
def test_every_published_configuration_loads_and_survives_a_round_trip(path):
    config = load(TrainConfig, path, environment={})
    assert TrainConfig.model_validate_json(config.model_dump_json()) == config


def test_paper_values_are_the_defaults():
    network = GlyphSRConfig()
    assert (network.num_srbs, network.width, network.prior_width, network.gfm_from) == (5, 64, 32, 4)
    config = load(TrainConfig, Path(__file__).parents[2] / "configs" / "glyphsr.yaml", environment={})
    assert (config.optimiser.learning_rate, config.batch_size, config.steps) == (1e-3, 48, 200 * 361)
    assert config.optimiser.warmup_steps == 5 * 361


def write(tmp_path, text):
    path = tmp_path / "run.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("model:\n  network: {num_srb: 5}", "model.network.num_srb: unknown key; did you mean 'num_srbs'?"),
        ("stepz: 3", "stepz: unknown key; did you mean 'steps'?"),
        ("data:\n  sources: [{kind: folder, path: x, wait: 1}]", "wait: unknown key; did you mean 'weight'?"),
        ("optimiser: {learning_rate: 7e-4}", "got the text '7e-4' (YAML wants 7.0e-4)"),
        ("optimiser: {learning_rate: '0.1'}", "(YAML wants 0.1, without quotes)"),
        ("steps: 0", "steps: input should be greater than or equal to 1, got 0"),
        ("model:\n  network: {gfm_from: 9}", "gfm_from: expected 1..5 (num_srbs) or null, got 9"),
        ("- a\n- b", "expected a mapping of settings, got list"),
        ("a: [", "not YAML"),
        ("loss: {ctc: 1.0}", "loss.ctc: expected 0 unless model.prior.kind is 'crnn'"),
    ],
)
def test_a_mistake_is_named_with_file_path_and_remedy(tmp_path, text, message):
    path = write(tmp_path, text)
    with pytest.raises(ConfigError, match=re.escape(message)) as caught:
        load(TrainConfig, path, environment={})
    assert str(caught.value).startswith(str(path))


def test_later_sources_win(tmp_path):
    path = write(tmp_path, "scale: 3.0\nquality: 50\nsuffix: _file\next: jpg")
    environment = {"GLYPHSR_QUALITY": "60", "GLYPHSR_SUFFIX": "_env", "GLYPHSR_DATA": "/x", "OTHER": "1"}
    config = load(
        UpscaleConfig,
        path,
        sets=["suffix=_set", "ext=webp"],
        flags={"ext": "tif", "scale": None},
        environment=environment,
    )
    assert (config.scale, config.quality, config.suffix, config.ext) == (3.0, 60, "_set", "tif")


def test_nested_environment_variables(tmp_path):
    config = load(TrainConfig, None, environment={"GLYPHSR_OPTIMISER__LEARNING_RATE": "0.5"})
    assert config.optimiser.learning_rate == 0.5
    with pytest.raises(ConfigError, match="environment"):
        load(TrainConfig, None, environment={"GLYPHSR_OPTIMISER__RATE": "0.5"})
    with pytest.raises(ConfigError, match="did you mean 'GLYPHSR_OPTIMISER'"):
        load(TrainConfig, None, environment={"GLYPHSR_OPTIMIZER__LEARNING_RATE": "1"})


def test_a_base_states_the_rest(tmp_path):
    (tmp_path / "base.yaml").write_text("steps: 7\noptimiser: {learning_rate: 0.5, clip_norm: 2.0}")
    path = write(tmp_path, "base: base.yaml\noptimiser: {clip_norm: 3.0}")
    config = load(TrainConfig, path, environment={})
    assert (config.steps, config.optimiser.learning_rate, config.optimiser.clip_norm) == (7, 0.5, 3.0)
    (tmp_path / "base.yaml").write_text("base: run.yaml")
    with pytest.raises(ConfigError, match="circle"):
        load(TrainConfig, path, environment={})


@pytest.mark.parametrize("text", ["steps", "=3"])
def test_set_wants_key_and_value(text):
    with pytest.raises(ConfigError, match="expected key=value"):
        load(TrainConfig, None, sets=[text], environment={})


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"no\.yaml: No such file"):
        load(TrainConfig, tmp_path / "no.yaml", environment={})


def test_validate_names_its_caller():
    with pytest.raises(ConfigError, match="options: strength: input should be less than or equal to 1, got 2"):
        validate(UpscaleConfig, {"strength": 2}, "options")
