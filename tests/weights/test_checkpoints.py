import json
import pickle

import pytest
import safetensors.torch
import torch

from glyphsr.errors import WeightsError
from glyphsr.models.super_resolver import SuperResolver
from glyphsr.system.atomic_files import atomic_path
from glyphsr.system.cache import cache_folder
from glyphsr.weights.checkpoints import FORMAT_NUMBER, read_checkpoint, save_checkpoint
from glyphsr.weights.loading import load_model, load_recognizer, load_super_resolver
from glyphsr.weights.published import read_state
from glyphsr.weights.registry import BUNDLED_FOLDER, local_weights


def test_a_checkpoint_gives_the_same_model_back(tiny_weights, tiny_config):
    model, checkpoint = load_super_resolver(tiny_weights)
    assert model.config == tiny_config
    assert checkpoint.card == {"strength": 0.5}
    assert not model.training
    stored = safetensors.torch.load_file(tiny_weights)
    assert all(torch.equal(stored[key], value) for key, value in model.state_dict().items())


def test_half_precision_storage_loads_as_single(tiny_config, tmp_path):
    model = SuperResolver.from_config(tiny_config)
    save_checkpoint(tmp_path / "h.safetensors", model.half(), kind="super_resolver", config=tiny_config, card={})
    loaded, _ = load_super_resolver(tmp_path / "h.safetensors")
    assert {p.dtype for p in loaded.parameters()} == {torch.float32}


def test_the_prior_of_a_super_resolver_loads_alone(tiny_weights):
    model, _ = load_super_resolver(tiny_weights)
    images = torch.rand(1, 3, 16, 40)
    assert torch.equal(
        load_recognizer(tiny_weights).probabilities(images), model.prior.recognizer.probabilities(images)
    )


class Evil:
    def __reduce__(self):
        return (open, ("/tmp/glyphsr-evil-was-here", "w"))


def damaged(kind, tiny_weights, tmp_path):
    path = tmp_path / "weights.safetensors"
    whole = tiny_weights.read_bytes()
    if kind == "pickle":
        path.write_bytes(pickle.dumps(Evil()))
    elif kind == "truncated":
        path.write_bytes(whole[: len(whole) // 2])
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "text":
        path.write_text("weights")
    elif kind == "foreign":
        safetensors.torch.save_file({"a": torch.zeros(1)}, path)
    return path


@pytest.mark.parametrize("kind", ["pickle", "truncated", "empty", "text", "foreign", "missing"])
def test_what_is_no_checkpoint_is_refused_by_name(kind, tiny_weights, tmp_path):
    path = damaged(kind, tiny_weights, tmp_path)
    with pytest.raises(WeightsError, match=r"weights\.safetensors: "):
        read_checkpoint(path)


def rewrite(path, target, *, metadata=None, drop=None):
    with safetensors.safe_open(path, "pt") as file:
        header = file.metadata() | (metadata or {})
    tensors = safetensors.torch.load_file(path)
    if drop:
        tensors.pop(drop)
    safetensors.torch.save_file(tensors, target, header)
    return target


def test_other_formats_kinds_and_shapes_are_refused(tiny_weights, tmp_path):
    target = tmp_path / "x.safetensors"
    with pytest.raises(WeightsError, match=f"reads format {FORMAT_NUMBER}"):
        read_checkpoint(rewrite(tiny_weights, target, metadata={"format_number": "99"}))
    with pytest.raises(WeightsError, match="damaged header"):
        read_checkpoint(rewrite(tiny_weights, target, metadata={"card": "{"}))
    with pytest.raises(WeightsError, match="expected a super_resolver"):
        load_super_resolver(rewrite(tiny_weights, target, metadata={"kind": "recognizer"}))
    with pytest.raises(WeightsError, match="not one of this version"):
        load_super_resolver(rewrite(tiny_weights, target, metadata={"config": '{"network": {"wings": 2}}'}))
    with pytest.raises(WeightsError, match=r"missing 'network\.head\.bias'"):
        load_super_resolver(rewrite(tiny_weights, target, drop="network.head.bias"))
    config = dict(read_checkpoint(tiny_weights).config)
    config["network"]["width"] = 12
    with pytest.raises(WeightsError, match="has shape"):
        load_super_resolver(rewrite(tiny_weights, target, metadata={"config": json.dumps(config)}))


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("prior_width", 16_000, "has shape"),  # of gigabytes, refused by an outline that takes none
        ("num_srbs", 10**9, "num_srbs: Input should be less than or equal to 64"),
        ("width", 10**12, "width"),
        ("width", "[" * 500, "levels of nesting"),
    ],
)
def test_a_header_that_asks_for_more_than_the_file_holds_is_refused(key, value, message, tiny_weights, tmp_path):
    config = json.loads(json.dumps(read_checkpoint(tiny_weights).config))
    config["network"][key] = value
    text = json.dumps(config).replace('"' + "[" * 500 + '"', "[" * 500 + "]" * 500)
    target = rewrite(tiny_weights, tmp_path / "x.safetensors", metadata={"config": text})
    with pytest.raises(WeightsError, match=message):
        load_super_resolver(target)


def test_numbers_that_are_none_and_cards_that_lie_are_refused(tiny_weights, tmp_path):
    with safetensors.safe_open(tiny_weights, "pt") as file:
        header = file.metadata()
    tensors = safetensors.torch.load_file(tiny_weights)
    tensors["network.head.weight"][0, 0, 0, 0] = float("nan")
    safetensors.torch.save_file(tensors, tmp_path / "nan.safetensors", header)
    with pytest.raises(WeightsError, match=r"'network\.head\.weight' has values that are NaN or infinite"):
        load_super_resolver(tmp_path / "nan.safetensors")
    tensors["network.head.weight"] = torch.ones(tensors["network.head.weight"].shape, dtype=torch.int32)
    safetensors.torch.save_file(tensors, tmp_path / "int.safetensors", header)
    with pytest.raises(WeightsError, match=r"holds torch\.int32, expected torch\.float32"):
        load_super_resolver(tmp_path / "int.safetensors")
    lying = rewrite(tiny_weights, tmp_path / "x.safetensors", metadata={"card": '{"strength": "1e999"}'})
    with pytest.raises(WeightsError, match="strength: expected 0 to 1"):
        _ = load_model(lying).default_strength


def test_a_pickle_with_code_is_not_run(tmp_path):
    path = tmp_path / "model.pth"
    torch.save({"state_dict_G": {"a": torch.zeros(1)}, "extra": Evil()}, path)
    with pytest.raises(WeightsError, match="a pickle could run code"):
        read_state(path)
    with pytest.raises(WeightsError, match="no such checkpoint"):
        read_state(tmp_path / "none.pth")


def test_names_are_bundled_then_cached(tiny_weights, tmp_path, monkeypatch):
    monkeypatch.setenv("GLYPHSR_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    (tmp_path / "mine.safetensors").write_bytes(tiny_weights.read_bytes())
    assert load_model("mine").default_strength == 0.5
    assert local_weights("compact") == BUNDLED_FOLDER / "compact.safetensors"
    assert local_weights("aster") is None
    with pytest.raises(WeightsError, match="no such checkpoint"):
        local_weights("no/where.safetensors")


def test_an_interrupted_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("old")

    def interrupted():
        with atomic_path(path) as temporary:
            temporary.write_text("new")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
