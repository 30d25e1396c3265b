"""Our networks give the published networks' numbers for the same weights.

The vectors beside this file were computed with the public reference implementations on weights filled by a fixed
rule (``fill.py``). ``GLYPHSR_PARITY`` names another folder of the same form. Tolerances are each manifest's own: ten
times the reference's gap between float32 and float64.
"""

import importlib.util
import os
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from glyphsr.config.model import CRNNConfig, PARSeqConfig
from glyphsr.errors import WeightsError
from glyphsr.models.glyphsr.official_keys import from_official, to_official
from glyphsr.pipelines.models import glyphsr_from_official, published_prior_config, recognizer_from_official
from glyphsr.weights.official import read_state, unwrap_state

FOLDER = Path(os.environ.get("GLYPHSR_PARITY") or Path(__file__).parent)

GLYPHSR = ["glyphsr", "glyphsr_37", "glyphsr_no_gfm"]
RECOGNIZERS = ["crnn", "parseq", "parseq_tiny"]


def load_fill() -> ModuleType:
    spec = importlib.util.spec_from_file_location("parity_fill", FOLDER / "fill.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


FILL = load_fill()


class Vector:
    """Manifest, filled weights and arrays of one network."""

    def __init__(self, name):
        self.manifest = FILL.load_manifest(FOLDER / f"{name}.json")
        filled = FILL.filled_state(self.manifest)
        assert FILL.digest(filled) == self.manifest["fill_sha256"]
        self.state = {key: torch.from_numpy(value) for key, value in filled.items()}
        self.arrays = np.load(FOLDER / f"{name}.npz")

    def input(self, name):
        return torch.from_numpy(self.arrays[self.manifest["inputs"][name]["array"]])

    def check(self, name, tensor):
        spec = self.manifest["outputs"][name]
        expected = self.arrays[spec["array"]]
        assert tensor.shape == expected.shape
        assert np.abs(tensor.detach().numpy() - expected).max() <= spec["atol"]


@pytest.fixture(scope="module")
def vectors():
    cache = {}
    return lambda name: cache.setdefault(name, Vector(name))


@pytest.mark.parametrize("name", GLYPHSR)
class TestGlyphSR:
    def test_outputs_agree(self, vectors, name):
        vector = vectors(name)
        network = glyphsr_from_official(vector.state)
        with torch.no_grad():
            out = network(vector.input("image"), vector.input("text_prior"), with_glyphs=True)
        vector.check("sr", out.sr)
        vector.check("seg_pred", out.glyphs.line)
        vector.check("char_pred", out.glyphs.chars)
        vector.check("char_cls", out.glyphs.classes)

    def test_inactive_spatial_transformer_agrees(self, vectors, name):
        vector = vectors(name)
        network = glyphsr_from_official(vector.state)
        with torch.no_grad():
            points = network.stn.localizer(vector.input("image"))
            warped = network.stn.tps(vector.input("image"), points)
        vector.check("stn_ctrl_points", points)
        vector.check("stn_warped", warped)

    def test_every_official_key_has_one_of_ours_and_back(self, vectors, name):
        vector = vectors(name)
        network = glyphsr_from_official(vector.state)
        official = [key for key, *_ in vector.manifest["state_dict"]]
        ours = list(network.state_dict())
        assert {to_official(key, network.config) for key in ours} == set(official)
        assert [from_official(to_official(key, network.config), network.config) for key in ours] == ours
        assert sum(p.numel() for p in network.parameters()) == vector.manifest["num_parameters"]

    def test_computed_constants_agree(self, vectors, name):
        vector = vectors(name)
        network = glyphsr_from_official(vector.state)
        state = {to_official(key, network.config): value for key, value in network.state_dict().items()}
        for key, expected in vector.manifest["kept_entries"].items():
            flat = state[key].flatten()
            scale = max(1.0, expected["abs_sum"])
            assert abs(float(flat.double().sum()) - expected["sum"]) <= 1e-6 * scale
            assert abs(float(flat.double().abs().sum()) - expected["abs_sum"]) <= 1e-6 * scale
            assert np.allclose(flat[:4], expected["first"], rtol=1e-4, atol=1e-5)
            assert np.allclose(flat[-4:], expected["last"], rtol=1e-4, atol=1e-5)

    def test_published_file_layouts_load(self, vectors, name, tmp_path):
        vector = vectors(name)
        path = tmp_path / "model_best_acc_0.pth"
        old = {f"module.{k}": v for k, v in vector.state.items() if not k.endswith("num_batches_tracked")}
        torch.save({"state_dict_G": old, "info": {"iters": 1}, "param_num": 3}, path)
        network = glyphsr_from_official(read_state(path), str(path))
        with torch.no_grad():
            vector.check("sr", network(vector.input("image"), vector.input("text_prior")).sr)

    def test_a_missing_and_a_strange_entry_are_named(self, vectors, name):
        state = dict(vectors(name).state)
        state["block3.conv9.weight"] = state.pop("block3.conv1.weight")
        with pytest.raises(WeightsError, match=r"missing 'srbs\.1\.conv1\.weight', unexpected 'block3\.conv9\.weight'"):
            glyphsr_from_official(state)


def published_variant(name):
    if name == "crnn":
        return CRNNConfig()
    return PARSeqConfig() if name == "parseq" else PARSeqConfig(embed_dim=192, encoder_heads=3, decoder_heads=6)


@pytest.mark.parametrize("name", RECOGNIZERS)
class TestRecognizers:
    def test_kind_is_recognised_from_the_keys(self, vectors, name):
        assert published_prior_config(vectors(name).state, name) == published_variant(name)

    def test_parameter_count(self, vectors, name):
        network = recognizer_from_official(vectors(name).state, published_variant(name))
        assert sum(p.numel() for p in network.parameters()) == vectors(name).manifest["num_parameters"]

    def test_wrapped_files_load(self, vectors, name, tmp_path):
        path = tmp_path / "recognizer_best_acc_0.pth"
        torch.save({"state_dict": {f"model.{k}": v for k, v in vectors(name).state.items()}}, path)
        network = recognizer_from_official(read_state(path), published_variant(name), str(path))
        assert not network.training


def test_crnn_logits_and_text_agree(vectors):
    vector = vectors("crnn")
    network = recognizer_from_official(vector.state, CRNNConfig())
    with torch.no_grad():
        logits = network(vector.input("image"))
    vector.check("logits", logits)
    ids = logits.argmax(dim=2).T.tolist()
    assert ids == vector.manifest["strings"]["argmax_ids"]
    assert [network.codec.decode(row) for row in ids] == vector.manifest["strings"]["decoded"]


MODES = {
    "logits": {},
    "logits_ar": {"refine_iters": 0},
    "logits_nar": {"refine_iters": 0, "decode_autoregressive": False},
    "logits_max10": {},
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", ["parseq", "parseq_tiny"])
def test_parseq_logits_and_text_agree_in_every_mode(vectors, name, mode):
    vector = vectors(name)
    config = published_variant(name).model_copy(update=MODES[mode])
    network = recognizer_from_official(vector.state, config)
    with torch.no_grad():
        logits = network(vector.input("image"), max_length=10 if mode == "logits_max10" else None)
    vector.check(mode, logits)
    ids = logits.argmax(dim=2).tolist()
    assert ids == vector.manifest["strings"][f"argmax_{mode}"]
    assert [network.codec.decode(row) for row in ids] == vector.manifest["strings"][f"decoded_{mode}"]


def test_a_file_without_weights_is_refused():
    with pytest.raises(WeightsError, match="no state dict"):
        unwrap_state({"epoch": 3}, "x.pth")
