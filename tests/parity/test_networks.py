"""Our super-resolution networks give the published networks' numbers for the same weights."""

import pytest
import torch

from glyphsr.errors import WeightsError
from glyphsr.models.registry import key_table
from glyphsr.weights.published import network_from_official, read_state

from .vectors import SPLINE_SLACK, check_constants, check_entries, vector

GLYPHSR = ["glyphsr", "glyphsr_37", "glyphsr_no_gfm"]
BASELINES = ["tsrn", "tbsrn", "tpgsr", "tatt"]
CHANGES = {"tatt": {"mix_batch": True}}


def load(name):
    return network_from_official(vector(name).state, name, changes=CHANGES.get(name))


def prior(name):
    return vector(name).input("text_prior") if "text_prior" in vector(name).manifest["inputs"] else None


@pytest.mark.parametrize("name", GLYPHSR)
def test_glyphsr_outputs_agree(name):
    with torch.no_grad():
        out = load(name)(vector(name).input("image"), prior(name), with_glyphs=True)
    vector(name).check("sr", out.sr)
    vector(name).check("seg_pred", out.glyphs.line)
    vector(name).check("char_pred", out.glyphs.chars)
    vector(name).check("char_cls", out.glyphs.classes)


@pytest.mark.parametrize("name", BASELINES)
def test_baseline_outputs_agree(name):
    with torch.no_grad():
        out = load(name)(vector(name).input("image"), prior(name))
    vector(name).check("sr", out.sr)
    assert out.glyphs is None


def test_tatt_attention_and_interpreted_prior_agree():
    network = load("tatt")
    with torch.no_grad():
        features = network.stem(vector("tatt").input("image"))
        interpreted, attention = network.hint.interpret(prior("tatt"), features)
    vector("tatt").check("attention", attention)
    vector("tatt").check("mid/infoGen", interpreted[:, ::8, ::2, ::4])


def test_tpgsr_transformed_prior_agrees():
    with torch.no_grad():
        spread = load("tpgsr").hint.spread(prior("tpgsr"))
    vector("tpgsr").check("mid/infoGen", spread[:, ::4])


@pytest.mark.parametrize("name", [*GLYPHSR, *BASELINES])
def test_spatial_transformer_agrees(name):
    network = load(name)
    image = vector(name).input("image")
    outputs = vector(name).manifest["outputs"]
    with torch.no_grad():
        for output in [key for key in outputs if key.startswith("stn_warped")]:
            if "@" in output:
                network.stn.tps.align_corners = output.endswith("true")
            vector(name).check(output, network.stn(image), slack=SPLINE_SLACK)
        seen = image
        if network.stn.size != image.shape[-2:]:
            seen = torch.nn.functional.interpolate(image, size=network.stn.size, mode="bilinear", align_corners=True)
        vector(name).check("stn_ctrl_points", network.stn.localizer(seen))


@pytest.mark.parametrize("name", [*GLYPHSR, *BASELINES])
def test_every_published_entry_is_used_or_named_as_unused(name):
    check_entries(load(name), name)


@pytest.mark.parametrize("name", [*GLYPHSR, *BASELINES])
def test_computed_constants_agree(name):
    network = load(name)
    table = key_table(network.config)
    state = {table.published(key): value for key, value in network.state_dict().items()}
    check_constants(vector(name).manifest["kept_entries"], state)


@pytest.mark.parametrize("name", [*GLYPHSR, *BASELINES])
def test_published_file_layouts_load(name, tmp_path):
    path = tmp_path / "model_best_acc_0.pth"
    content = vector(name).wrapped()
    assert set(content) >= {"state_dict_G"}
    content["state_dict_G"] = {f"module.{key}": value for key, value in content["state_dict_G"].items()}
    torch.save(content, path)
    network = network_from_official(read_state(path), str(path), changes=CHANGES.get(name))
    with torch.no_grad():
        vector(name).check("sr", network(vector(name).input("image"), prior(name)).sr)


@pytest.mark.parametrize("name", [*GLYPHSR, *BASELINES])
def test_a_missing_and_a_strange_entry_are_named(name):
    state = dict(vector(name).state)
    state["block3.conv9.weight"] = state.pop("block3.conv1.weight")
    ours = "srbs" if name in GLYPHSR else "blocks"
    expected = rf"missing '{ours}\.1\.conv1\.weight', unexpected 'block3\.conv9\.weight'"
    with pytest.raises(WeightsError, match=expected):
        network_from_official(state)


def test_without_the_quirk_a_picture_gets_what_the_published_tatt_gives_it_alone():
    published, ours = load("tatt"), network_from_official(vector("tatt").state)
    image = vector("tatt").input("image")
    with torch.no_grad():
        together = ours(image, prior("tatt")).sr
        alone = torch.cat([published(image[i : i + 1], prior("tatt")[i : i + 1]).sr for i in range(2)])
        mixed = published(image, prior("tatt")).sr
    assert torch.allclose(together, alone, atol=3e-5)
    assert (mixed - alone).abs().max() > 1e-3
