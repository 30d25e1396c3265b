"""Our super-resolution networks give the published networks' numbers for the same weights."""

import re

import pytest
import torch

from glyphsr.errors import WeightsError
from glyphsr.models.registry import key_table
from glyphsr.weights.published import network_from_official, read_state

from .vectors import SPLINE_SLACK, check_constants, check_entries, vector

GLYPHSR = ["glyphsr", "glyphsr_37", "glyphsr_no_gfm"]
BASELINES = ["tsrn", "tbsrn", "tpgsr", "tatt", "tg", "c3stisr", "rtsrn", "tsan", "pean", "lemma"]
STRAIGHTENED = [name for name in [*GLYPHSR, *BASELINES] if name != "pean"]
CHANGES = {"tatt": {"mix_batch": True}, "pean": {"mix_batch": True}}


def load(name):
    return network_from_official(vector(name).state, name, changes=CHANGES.get(name))


def prior(name):
    if "text_prior" not in vector(name).manifest["inputs"]:
        return None
    given = vector(name).input("text_prior")
    return given if given.ndim == 4 else given.transpose(1, 2).unsqueeze(2)  # PEAN's is (B, T, K)


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
        interpreted, attention = network.guidance.interpret(prior("tatt"), features)
    vector("tatt").check("attention", attention)
    vector("tatt").check_thinned("mid/infoGen", interpreted)


def test_tpgsr_transformed_prior_agrees():
    with torch.no_grad():
        spread = load("tpgsr").guidance.spread(prior("tpgsr"))
    vector("tpgsr").check_thinned("mid/infoGen", spread)


@pytest.mark.parametrize("name", STRAIGHTENED)
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
    kept = vector(name).manifest["kept_entries"]
    check_constants({key: value for key, value in kept.items() if not table.is_unused(key)}, state)


@pytest.mark.parametrize("name", [*GLYPHSR, *BASELINES])
def test_published_file_layouts_load(name, tmp_path):
    path = tmp_path / "model_best_acc_0.pth"
    content = vector(name).wrapped()
    if "state_dict_G" in content:
        content["state_dict_G"] = {f"module.{key}": value for key, value in content["state_dict_G"].items()}
    torch.save(content, path)
    network = network_from_official(read_state(path), str(path), changes=CHANGES.get(name))
    with torch.no_grad():
        vector(name).check("sr", network(vector(name).input("image"), prior(name)).sr)


@pytest.mark.parametrize("name", [*GLYPHSR, *BASELINES])
def test_a_missing_and_a_strange_entry_are_named(name):
    state = dict(vector(name).state)
    published = next(key for key in state if key.startswith(("block3.", "cam3.")))
    ours = key_table(load(name).config).ours(published)
    state["block2.conv9.weight"] = state.pop(published)
    with pytest.raises(WeightsError, match=rf"missing '{re.escape(ours)}', unexpected 'block2\.conv9\.weight'"):
        network_from_official(state)


def test_c3stisr_hints_agree_whether_the_released_code_uses_them_or_not():
    golden = vector("c3stisr")
    network = network_from_official(golden.state, "c3stisr", changes={"guidance": "fused"})
    check_entries(network, "c3stisr")
    guidance, features = network.guidance, network.stem(golden.input("image"))
    with torch.no_grad():
        golden.check("lm_logits", guidance.language_model(prior("c3stisr").squeeze(2).transpose(1, 2)))
        golden.check_thinned("mid/infoGen", guidance.recognition.spread(prior("c3stisr")))
        golden.check_thinned("mid/infoGen_ling", guidance.language.spread(guidance.language_clue(prior("c3stisr"))))
        golden.check_thinned("mid/dsta_rec", guidance.recognition(prior("c3stisr"), features))
        golden.check_thinned("mid/gated", guidance(prior("c3stisr"), features))


def test_rtsrn_takes_a_clue_instead_of_its_language_models():
    golden = vector("rtsrn")
    with torch.no_grad():
        out = load("rtsrn")(golden.input("image"), prior("rtsrn"), golden.input("clue"))
        golden.check("lm_logits", load("rtsrn").guidance.language_model(prior("rtsrn").squeeze(2).transpose(1, 2)))
    golden.check("sr_given_clue", out.sr)


def test_lemma_sees_the_text_where_and_as_the_published_one_does():
    golden, network = vector("lemma"), load("lemma")
    with torch.no_grad():
        text = network.reader(golden.input("image")[:, :3])
        selected = network.guidance.select(network.guidance.foreground(text))
        golden.check_thinned("mid/guidanceGen", network.guidance(text, network.stem(golden.input("image"))))
    golden.check("attn_map", text.attention)
    golden.check("img_logits", text.seen)
    golden.check("text_logits", text.meant)
    assert text.seen_lengths.tolist() == golden.expected("img_lengths").tolist()
    assert text.lengths.tolist() == golden.expected("text_lengths").tolist()
    expected = torch.from_numpy(golden.expected("selected"))
    assert torch.equal(torch.zeros_like(expected).flatten(1).scatter(1, selected, 1).view_as(expected), expected)


def test_pean_attention_and_a_picture_alone_agree():
    golden, network = vector("pean"), load("pean")
    image = golden.input("image")
    with torch.no_grad():
        golden.check("attention", network.guidance.interpret(prior("pean"), network.stem(image))[1])
        golden.check("sr_second_alone", network(image[1:2], prior("pean")[1:2]).sr)


def test_peans_enhancer_comes_from_a_second_file_and_agrees():
    golden, state = vector("pean_tpem"), vector("pean").state | vector("pean_tpem").state
    network = network_from_official(state, "pean")
    assert network.config.enhancer_steps == 1
    enhancer, read, start = network.enhancer, golden.input("prior"), golden.input("start")
    with torch.no_grad():
        golden.check("enhanced", enhancer(read, start))
        levels = torch.stack([enhancer.levels[1000], enhancer.levels[500]])[:, None]
        golden.check("denoised_two_levels", enhancer.denoise(read, start, levels))
        enhancer.num_denoisings = 5
        golden.check("enhanced_5_steps", enhancer(read, start))
    with pytest.raises(WeightsError, match=r"holds TPEM, .* at once"):
        network_from_official(golden.state)


@pytest.mark.parametrize("name", BASELINES)
def test_a_batch_gives_what_its_pictures_give_alone_and_on_two_threads(name):
    network = network_from_official(vector(name).state)
    image, given = vector(name).input("image").repeat(4, 1, 1, 1), prior(name)
    given = None if given is None else given.repeat(4, 1, 1, 1)
    threads = torch.get_num_threads()
    with torch.no_grad():
        together = network(image, given).sr
        each = range(len(vector(name).input("image")))
        alone = [network(image[i : i + 1], None if given is None else given[i : i + 1]).sr for i in each]
        torch.set_num_threads(2 if threads == 1 else 1)
        threaded = network(image, given).sr
        torch.set_num_threads(threads)
    atol = vector(name).manifest["outputs"]["sr"]["atol"]
    assert torch.allclose(together, torch.cat(alone).repeat(4, 1, 1, 1), rtol=0, atol=atol)
    assert torch.allclose(together, threaded, rtol=0, atol=atol)


def test_without_the_quirk_a_picture_gets_what_the_published_tatt_gives_it_alone():
    published, ours = load("tatt"), network_from_official(vector("tatt").state)
    image = vector("tatt").input("image")
    with torch.no_grad():
        together = ours(image, prior("tatt")).sr
        alone = torch.cat([published(image[i : i + 1], prior("tatt")[i : i + 1]).sr for i in range(len(image))])
        mixed = published(image, prior("tatt")).sr
    assert torch.allclose(together, alone, atol=3e-5)
    assert (mixed - alone).abs().max() > 1e-3
