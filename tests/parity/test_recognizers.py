"""Our recognizers give the published recognizers' numbers and strings for the same weights."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from glyphsr.config.recognizers import ASTERConfig, CRNNConfig, MORANConfig, PARSeqConfig, TelescopeConfig
from glyphsr.errors import WeightsError
from glyphsr.losses.text_focus import attention_difference, weighted_cross_entropy
from glyphsr.models.registry import key_table
from glyphsr.recognizers.aster.network import ASTER
from glyphsr.text.charset import filter_lower
from glyphsr.weights.published import read_state, recognizer_from_official, unwrap_state

from .vectors import SPLINE_SLACK, check_constants, check_entries, vector

CONFIGS = {
    "crnn": CRNNConfig(),
    "parseq": PARSeqConfig(),
    "parseq_tiny": PARSeqConfig(embed_dim=192, encoder_heads=3, decoder_heads=6),
    "moran": MORANConfig(),
    "aster": ASTERConfig(),
    "telescope_transformer": TelescopeConfig(),
}


def load(name, **changes):
    config = CONFIGS[name].model_copy(update=changes)
    return recognizer_from_official(vector(name).state, name, config=config)


@pytest.mark.parametrize("name", CONFIGS)
def test_published_file_layouts_load_and_say_what_they_are(name, tmp_path):
    path = tmp_path / "weights.pth.tar"
    torch.save(vector(name).wrapped(), path)
    network = recognizer_from_official(read_state(path), str(path))
    assert network.config == CONFIGS[name]
    assert not network.training


@pytest.mark.parametrize("name", CONFIGS)
def test_lightning_wrapped_files_load(name, tmp_path):
    path = tmp_path / "last.ckpt"
    content = {"state_dict": {f"model.{k}": v for k, v in vector(name).state.items()}, "epoch": 3}
    torch.save(content | {"hyper_parameters": {"lr": 1e-3}}, path)
    assert recognizer_from_official(read_state(path), str(path)).config == CONFIGS[name]


@pytest.mark.parametrize("name", CONFIGS)
def test_every_published_entry_is_used_or_named_as_unused(name):
    check_entries(load(name), name)


def test_crnn_logits_and_text_agree():
    network = load("crnn")
    with torch.no_grad():
        logits = network(vector("crnn").input("image"))
    vector("crnn").check("logits", logits)
    ids = logits.argmax(dim=2).T.tolist()
    assert ids == vector("crnn").strings["argmax_ids"]
    assert [network.codec.decode(row) for row in ids] == vector("crnn").strings["decoded"]
    readings = network.read_prepared(vector("crnn").input("image"))
    assert [reading.text for reading in readings] == vector("crnn").strings["decoded"]


MODES = {
    "logits": {},
    "logits_ar": {"refine_iters": 0},
    "logits_nar": {"refine_iters": 0, "decode_autoregressive": False},
    "logits_max10": {},
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", ["parseq", "parseq_tiny"])
def test_parseq_logits_and_text_agree_in_every_mode(name, mode):
    network = load(name, **MODES[mode])
    with torch.no_grad():
        logits = network(vector(name).input("image"), max_length=10 if mode == "logits_max10" else None)
    vector(name).check(mode, logits)
    ids = logits.argmax(dim=2).tolist()
    assert ids == vector(name).strings[f"argmax_{mode}"]
    assert [network.codec.decode(row) for row in ids] == vector(name).strings[f"decoded_{mode}"]


ALIGNMENTS = pytest.mark.parametrize(("align_corners", "at"), [(False, "@align_false"), (True, "@align_true")])


@ALIGNMENTS
def test_moran_rectifies_and_reads_alike(align_corners, at):
    golden = vector("moran")
    network = load("moran", align_corners=align_corners)
    image = golden.input("image")
    with torch.no_grad():
        rectified = network.rectifier(image)
        golden.check(f"rectified{at}", rectified)
        features = network.encoder(rectified)
        golden.check(f"mid/ASRN.rnn{at}", features[..., ::4])
        forward = network(image)
        reverse, _ = network.reverse_decoder(features, steps=20)
    golden.check(f"preds_l2r{at}", forward.flatten(0, 1))
    golden.check(f"preds_r2l{at}", reverse.flatten(0, 1))
    assert forward.argmax(dim=2).tolist() == golden.strings[f"argmax_l2r{at}"]
    assert reverse.argmax(dim=2).tolist() == golden.strings[f"argmax_r2l{at}"]
    assert [network.codec.decode(row) for row in reverse.argmax(dim=2).tolist()] == golden.strings[f"decoded_r2l{at}"]
    assert [reading.text for reading in network.read_prepared(image)] == golden.strings[f"decoded_l2r{at}"]


@ALIGNMENTS
def test_aster_rectifies_and_decodes_alike(align_corners, at):
    golden = vector("aster")
    network = load("aster", align_corners=align_corners)
    image = golden.input("image")
    with torch.no_grad():
        small = F.interpolate(image, size=(32, 64), mode="bilinear", align_corners=True)
        golden.check(f"ctrl_points{at}", network.rectifier.localizer(small))
        golden.check(f"rectified{at}", network.rectifier(image), slack=SPLINE_SLACK)
        features = network.encoder(torch.from_numpy(golden.expected(f"rectified{at}")))
        golden.check(f"encoder_feats{at}", features)
        taught, _ = network.decoder(features, steps=12, previous=golden.input("teacher_targets"))
        golden.check(f"teacher_logits{at}", taught)
        scores, ids = network.decoder(features, steps=100)[0].softmax(dim=2).max(dim=2)
        whole = network(image).argmax(dim=2)  # from the image on, by our own drawing
        all_ones, _ = network.decoder(features, steps=100, previous=torch.ones(2, 100, dtype=torch.int64))
    golden.check(f"greedy_scores{at}", scores)
    assert np.array_equal(ids.numpy(), golden.expected(f"greedy_ids{at}"))
    for own, row in zip(whole.tolist(), golden.expected(f"greedy_ids{at}").tolist(), strict=True):
        length = row.index(94) + 1 if 94 in row else len(row)
        assert own[:length] == row[:length]
    loss = F.cross_entropy(all_ones.flatten(0, 1), torch.ones(200, dtype=torch.int64), reduction="sum") / 2
    golden.check(f"loss_rec{at}", loss[None])


@ALIGNMENTS
def test_aster_beam_search_finds_the_published_readings(align_corners, at):
    golden = vector("aster")
    network = load("aster", align_corners=align_corners)
    image = golden.input("image")
    with torch.no_grad():
        found = network.decoder.beam_search(network.features(image), steps=100, beam=5, end=94)
    for best, row in zip(found, golden.expected(f"beam_ids{at}").tolist(), strict=True):
        length = row.index(94) + 1 if 94 in row else len(row)  # what follows the end means nothing
        assert list(best.classes) == row[:length]
    texts = [filter_lower(reading.text) for reading in network.read_prepared(image)]
    assert texts == golden.strings[f"beam_decoded_normalised{at}"]


def test_telescope_logits_and_attention_agree_under_teacher_forcing():
    golden = vector("telescope_transformer")
    network = load("telescope_transformer")
    labels = golden.strings["labels"]
    valid = golden.input("text_length").tolist()
    with torch.no_grad():
        hr = network.forward_teacher_forced(network.prepare(golden.input("hr_image")), labels)
        sr = network.forward_teacher_forced(network.prepare(golden.input("sr_image")), labels)
    golden.check("hr_logits_padded", hr.logits)
    golden.check("hr_attention", hr.attention.flatten(3))
    golden.check("hr_probs", torch.cat([row[:n] for row, n in zip(hr.logits, valid, strict=True)]))
    golden.check("sr_probs", torch.cat([row[:n] for row, n in zip(sr.logits, valid, strict=True)]))
    attention = attention_difference(sr.attention, hr.attention)
    golden.check("loss_attention", attention)
    characters = torch.cat([row[:n] for row, n in zip(sr.logits, valid, strict=True)])
    recognition = weighted_cross_entropy(characters, golden.input("text_gt"), torch.ones(37, 37))
    golden.check("loss_recognition", recognition)
    mse = F.mse_loss(golden.input("sr_image"), golden.input("hr_image"))
    golden.check("loss_mse", mse)
    golden.check("loss_total", mse + 10 * attention + 0.0005 * recognition)
    assert hr.targets[hr.targets >= 0].tolist() == golden.input("text_gt").tolist()
    symbols = "-" + network.charset
    read = "".join(symbols[i] for row, n in zip(hr.logits, valid, strict=True) for i in row[:n].argmax(dim=1))
    assert read == golden.strings["hr_argmax_chars"]


def test_telescope_position_code_agrees_with_the_published_constant():
    expected = vector("telescope_transformer").manifest["kept_entries"]
    from glyphsr.nn.layers.attention import sinusoidal_code

    check_constants(expected, {"pe.pe": sinusoidal_code(5000, 512)})
    assert torch.equal(load("telescope_transformer").position_code, sinusoidal_code(5000, 512)[:256])


def test_aster_spline_constants_agree():
    network = load("aster")
    table = key_table(network.config)
    state = {table.published(key): value for key, value in network.state_dict().items()}
    check_constants(vector("aster").manifest["kept_entries"], state)


def test_a_file_without_weights_is_refused():
    with pytest.raises(WeightsError, match="no state dict"):
        unwrap_state({"epoch": 3}, "x.pth")


def test_an_aster_of_fewer_characters_is_known_by_its_classes():
    network = ASTER(ASTERConfig(width=2, hidden=8, charset_size=36, max_steps=100))
    published = {key_table(network.config).published(key): tensor for key, tensor in network.state_dict().items()}
    assert recognizer_from_official(published).config == network.config
    published["decoder.decoder.fc.weight"] = published["decoder.decoder.fc.weight"][:20]
    with pytest.raises(WeightsError, match="classes; expected one of 39, 65, 97"):
        recognizer_from_official(published)
