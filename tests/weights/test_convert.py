"""Published files become ours: checked, converted, loaded."""

import pytest
import torch

from glyphsr.errors import ConfigError, WeightsError
from glyphsr.models.pean.settings import PEANConfig
from glyphsr.models.registry import build_network, key_table
from glyphsr.models.tatt.settings import TATTConfig
from glyphsr.models.tg.settings import TGConfig
from glyphsr.models.tpgsr.settings import TPGSRConfig
from glyphsr.models.tsrn.settings import TSRNConfig
from glyphsr.recognizers.crnn.network import CRNN
from glyphsr.weights.convert import convert
from glyphsr.weights.loading import load_model, load_network, load_recognizer
from glyphsr.weights.registry import cached_path

NETWORKS = {"tsrn": (TSRNConfig(), 0), "tpgsr": (TPGSRConfig(), 37), "tatt": (TATTConfig(), 37)}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_converted_network_gives_the_published_files_pictures(name, tmp_path):
    config, num_classes = NETWORKS[name]
    torch.manual_seed(1)
    network = build_network(config, num_classes=num_classes).eval()
    file = tmp_path / "model_best.pth"
    table = key_table(config)
    torch.save({"state_dict_G": {table.published(k): v for k, v in network.state_dict().items()}}, file)
    torch.save(CRNN().state_dict(), tmp_path / "crnn.pth")
    prior = tmp_path / "crnn.pth" if num_classes else None
    assert convert(file, name) == cached_path(name)
    image = torch.rand(1, 3, 16, 64)
    with torch.no_grad():
        pictures = [load_model(source, prior).model(image).sr for source in (file, name)]
    assert torch.equal(*pictures)
    if prior:
        with pytest.raises(ConfigError, match="give --prior-weights"):
            load_model(name)
    else:
        with pytest.raises(ConfigError, match="not guided by a text prior"):
            load_model(name, tmp_path / "crnn.pth")


def published(network):
    table = key_table(network.config)
    return {table.published(key): value for key, value in network.state_dict().items()}


def test_pean_is_in_two_files_that_are_converted_at_once(tmp_path):
    config = PEANConfig(width=16, num_pairs=1, enhancer_steps=1)
    state = published(build_network(config, num_classes=95))
    files = [tmp_path / "PEAN_final.pth", tmp_path / "TPEM_final.pth"]
    torch.save({key: value for key, value in state.items() if not key.startswith("denoise_fn.")}, files[0])
    torch.save({key: value for key, value in state.items() if key.startswith("denoise_fn.")}, files[1])
    assert load_network(convert(files[0], "pean", beside=files[1:])).config == config
    with pytest.raises(WeightsError, match="another variant of pean: enhancer_steps is 0, not 1"):
        convert(files[0], "pean", overwrite=True)
    assert load_network(convert(files[0], "pean-pretrained")).enhancer is None
    with pytest.raises(WeightsError, match=r"holds '.*', which .* holds too"):
        convert(files[0], "pean", beside=files[:1], overwrite=True)


def test_a_file_of_tsrn_is_what_is_asked_for_where_its_keys_are_text_gestalts_too(tmp_path):
    file = tmp_path / "model_best.pth"
    torch.save({"state_dict_G": published(build_network(TSRNConfig(num_srbs=1, width=8), num_classes=0))}, file)
    assert (load_network(file).config.kind, load_network(convert(file, "tg")).config.kind) == ("tsrn", "tg")
    torch.save({"state_dict_G": published(build_network(TGConfig(num_srbs=1, width=8), num_classes=0))}, file)
    assert (load_network(file).config.kind, load_network(convert(file, "tsrn")).config.kind) == ("tg", "tsrn")


def test_convert_checks_what_the_file_is_and_keeps_what_exists(tmp_path):
    file = tmp_path / "crnn.pth"
    torch.save({f"module.{k}": v for k, v in CRNN().state_dict().items()}, file)
    with pytest.raises(WeightsError, match="holds crnn, not aster; try --as crnn"):
        convert(file, "aster")
    stranger = tmp_path / "stranger.pth"
    torch.save({"conv.weight": torch.zeros(1)}, stranger)
    with pytest.raises(WeightsError, match=r"not aster's weights: missing '.*', unexpected 'conv.weight'"):
        convert(stranger, "aster")
    assert not cached_path("aster").exists()
    convert(file, "crnn")
    with pytest.raises(ConfigError, match="exists already"):
        convert(file, "crnn")
    assert convert(file, "crnn", overwrite=True) == cached_path("crnn")
    with pytest.raises(ConfigError, match="is ours"):
        convert(file, "compact")
    broken = CRNN().state_dict()
    broken["cnn.conv0.bias"][0] = float("nan")
    torch.save(broken, tmp_path / "nan.pth")
    with pytest.raises(WeightsError, match=r"'cnn\.conv0\.bias' has values that are NaN or infinite"):
        convert(tmp_path / "nan.pth", "crnn", overwrite=True)
    (tmp_path / "file").write_text("")
    with pytest.raises(WeightsError, match="cannot be written"):
        convert(file, "crnn", out=tmp_path / "file" / "x.safetensors")
    with pytest.raises(ConfigError, match=r"\.safetensors"):
        convert(file, "crnn", out=tmp_path / "x.pth")


def test_a_recognizer_without_class_probabilities_is_no_prior(tmp_path):
    torch.save({"state_dict_G": {}}, tmp_path / "empty.pth")
    with pytest.raises(WeightsError, match="no state dict"):
        load_model(tmp_path / "empty.pth")
    from glyphsr.recognizers.moran.network import MORAN
    from glyphsr.recognizers.moran.official_keys import key_table as moran_table

    table = moran_table(MORAN().config)
    torch.save({table.published(k): v for k, v in MORAN().state_dict().items()}, tmp_path / "moran.pth")
    network = build_network(TPGSRConfig(), num_classes=37)
    names = key_table(network.config)
    torch.save({names.published(k): v for k, v in network.state_dict().items()}, tmp_path / "tpgsr.pth")
    with pytest.raises(WeightsError, match="cannot be a text prior"):
        load_model(tmp_path / "tpgsr.pth", tmp_path / "moran.pth")


def test_another_variant_does_not_pass_under_a_name(tmp_path):
    from glyphsr.config.recognizers import PARSeqConfig
    from glyphsr.recognizers.parseq.network import PARSeq

    tiny = PARSeq(PARSeqConfig(embed_dim=192, encoder_heads=3, decoder_heads=6))
    torch.save(tiny.state_dict(), tmp_path / "tiny.pt")
    with pytest.raises(WeightsError, match="another variant of parseq: embed_dim is 192, not 384"):
        convert(tmp_path / "tiny.pt", "parseq")
    assert convert(tmp_path / "tiny.pt", "parseq-tiny").is_file()


def test_what_no_key_shows_can_be_set(tmp_path):
    from glyphsr.recognizers.moran.network import MORAN
    from glyphsr.recognizers.moran.official_keys import key_table as names

    table = names(MORAN().config)
    torch.save({f"module.{table.published(k)}": v for k, v in MORAN().state_dict().items()}, tmp_path / "demo.pth")
    path = convert(tmp_path / "demo.pth", "moran", changes={"align_corners": True})
    assert load_recognizer(path).config.align_corners
    with pytest.raises(ConfigError, match="did you mean 'align_corners'"):
        convert(tmp_path / "demo.pth", "moran", changes={"align_corner": True}, overwrite=True)


def test_numbers_of_numpy_and_options_beside_the_weights_are_read_and_prefixes_taken_off_twice(tmp_path):
    import argparse

    import numpy as np

    state = {f"model.module.{key}": value for key, value in CRNN().state_dict().items()}
    content = {"state_dict": state, "best": np.float64(3.5), "epoch": np.int64(3), "args": argparse.Namespace(lr=1e-3)}
    torch.save(content, tmp_path / "x.ckpt")
    assert load_recognizer(tmp_path / "x.ckpt").config.kind == "crnn"
