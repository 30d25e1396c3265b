import re
from pathlib import Path

import pytest

from glyphsr.config.reader import load
from glyphsr.config.synth import SynthConfig
from glyphsr.config.training import TrainConfig
from glyphsr.config.upscale import UpscaleConfig
from glyphsr.config.validation import validate
from glyphsr.errors import ConfigError
from glyphsr.models.glyphsr.settings import GlyphSRConfig

CONFIGS = sorted((Path(__file__).parents[2] / "configs").rglob("*.yaml"))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda p: p.name)
def test_every_published_configuration_loads_and_survives_a_round_trip(path):
    model = SynthConfig if path.parent.name == "words" else TrainConfig
    config = load(model, path, environment={})
    assert model.model_validate_json(config.model_dump_json()) == config


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
        ("loss: {ctc: 1.0}", "loss.ctc: expected 0 unless model.prior.kind is one of crnn"),
    ],
)
def test_a_mistake_is_named_with_file_path_and_remedy(tmp_path, text, message):
    path = write(tmp_path, text)
    with pytest.raises(ConfigError, match=re.escape(message)) as caught:
        load(TrainConfig, path, environment={})
    assert str(caught.value).startswith(str(path))


def test_a_setting_of_another_command_is_named_as_that(tmp_path):
    with pytest.raises(ConfigError, match="data: unknown key; it is a setting of train"):
        load(UpscaleConfig, write(tmp_path, "data: {}"), environment={})


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


def test_variables_of_others_are_warned_of_and_ignored():
    with pytest.warns(UserWarning, match="did you mean 'GLYPHSR_OPTIMISER'"):
        load(TrainConfig, None, environment={"GLYPHSR_OPTIMIZER__LEARNING_RATE": "1"})
    for name in ("GLYPHSR_SERVICE_HOST", "GLYPHSR_VERSION"):
        with pytest.warns(UserWarning, match=f"{name}: no such setting"):
            load(TrainConfig, None, environment={name: "1"})
    kubernetes = {"GLYPHSR_PORT": "tcp://10.0.0.1:80", "GLYPHSR_SEED": "tcp://10.0.0.1:80"}
    assert load(TrainConfig, None, environment=kubernetes) == TrainConfig()


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


def test_what_is_no_configuration_is_named():
    with pytest.raises(ConfigError, match="expected a TrainConfig, a YAML file or a name, got dict"):
        load(TrainConfig, {"seed": 1}, environment={})  # type: ignore[arg-type]


def test_validate_names_its_caller():
    with pytest.raises(ConfigError, match="options: strength: input should be less than or equal to 1, got 2"):
        validate(UpscaleConfig, {"strength": 2}, "options")


def test_another_kind_replaces_what_stood_there(tmp_path):
    path = write(tmp_path, "model:\n  network: {num_srbs: 3, gfm_from: 2}\nloss: {text_focus: 0.0}")
    changed = load(TrainConfig, path, sets=["model.network.kind=tsrn"], environment={})
    assert (changed.model.network.kind, changed.model.network.num_srbs) == ("tsrn", 5)  # TSRN's own default
    same = load(TrainConfig, path, sets=["model.network.kind=glyphsr"], environment={})
    assert same.model.network.num_srbs == 3
    for order in ((0, 1), (1, 0)):  # one layer's settings stand beside each other
        sets = [("model.network.kind=tsrn", "model.network.image_channels=3")[i] for i in order]
        assert load(TrainConfig, path, sets=sets, environment={}).model.network.image_channels == 3
    names = {"GLYPHSR_MODEL__NETWORK__KIND": "tsrn", "GLYPHSR_MODEL__NETWORK__IMAGE_CHANNELS": "3"}
    assert load(TrainConfig, path, environment=names).model.network.image_channels == 3


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        (
            "model.network.kind=nope",
            "tg, tsrn, got 'nope'",
        ),
        ("model.network={kind: tsrn, prior_width: 8}", "model.network.prior_width: unknown key"),
        ("optimiser.learning_rate=.inf", "finite"),
        ("optimiser.betas=[0.5, 1.5]", "optimiser.betas"),
        ("data.degradation.difficulty=[0.9, 0.2]", "data.degradation.difficulty: expected two values"),
        ("data.heights=[]", "data.heights"),
        ("seed=-1", "seed"),
        ("loss={pixel: 0.0, text_focus: 0.0, hog: 0.0, glyph: 0.0}", "expected a term with a weight above 0"),
        ("loss.scale=0.0", None),
        ("validation.protocol=paper", None),
    ],
)
def test_what_cannot_be_trained_is_said_before_it_is_tried(setting, message):
    if message is None:
        load(TrainConfig, sets=[setting], environment={})
        return
    with pytest.raises(ConfigError, match=re.escape(message)):
        load(TrainConfig, sets=[setting], environment={})


@pytest.mark.parametrize(
    ("name", "network", "data"),
    [
        ("table2-baseline1", {"gfm_from": None, "gpm": (False, False, False)}, "extracted"),
        ("table2-baseline2", {"gfm_from": None, "gpm": (True, False, False)}, "kmeans"),
        ("table2-no-gfm", {"gfm_from": None, "gpm": (True, True, True)}, "extracted"),
        ("table2-glyphsr", {"gfm_from": 4, "gpm": (True, True, True)}, "extracted"),
        ("table3-line", {"gfm_from": None, "gpm": (True, False, False)}, "extracted"),
        ("table3-char", {"gfm_from": None, "gpm": (False, True, False)}, "extracted"),
        ("table3-cls", {"gfm_from": None, "gpm": (False, False, True)}, "extracted"),
        ("table3-line-char", {"gfm_from": None, "gpm": (True, True, False)}, "extracted"),
        ("table3-line-cls", {"gfm_from": None, "gpm": (True, False, True)}, "extracted"),
        ("table3-char-cls", {"gfm_from": None, "gpm": (False, True, True)}, "extracted"),
        ("table3-all", {"gfm_from": None, "gpm": (True, True, True)}, "extracted"),
        ("table4-ngly3", {"gfm_from": 3, "gpm": (True, True, True)}, "extracted"),
        ("table4-ngly4", {"gfm_from": 4, "gpm": (True, True, True)}, "extracted"),
        ("table4-ngly5", {"gfm_from": 5, "gpm": (True, True, True)}, "extracted"),
    ],
)
def test_each_row_of_the_papers_tables_differs_in_nothing_else(name, network, data):
    folder = Path(__file__).parents[2] / "configs"
    row = load(TrainConfig, folder / "ablation" / f"{name}.yaml", environment={})
    gpm = row.model.network.gpm
    assert (gpm.line, gpm.char, gpm.cls) == network["gpm"]
    assert row.model.network.gfm_from == network["gfm_from"]
    assert row.data.glyph_source == data
    paper = load(TrainConfig, folder / "glyphsr.yaml", environment={})
    settings = {"gpm": gpm, "gfm_from": row.model.network.gfm_from}
    back = paper.model.model_copy(update={"network": paper.model.network.model_copy(update=settings)})
    source = paper.data.model_copy(update={"glyph_source": data})
    update = {"model": back, "data": source, "paper_row": row.paper_row}
    assert row == paper.model_copy(update=update)
