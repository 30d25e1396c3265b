import argparse
import pickle
import zipfile
from collections import OrderedDict

import numpy as np
import pytest
import torch

from glyphsr.errors import WeightsError
from glyphsr.safe_reading.torch_file import load_torch_file
from glyphsr.weights.published import read_state


def test_nested_tensors_come_back(tmp_path):
    content = {"model": {"a": torch.arange(3.0)}, "steps": [1, 2], "optimiser": {"state": {0: torch.ones(2)}}}
    torch.save(content, tmp_path / "a.pth")
    found = load_torch_file(tmp_path / "a.pth")
    assert torch.equal(found["model"]["a"], content["model"]["a"])


def test_packed_parts_are_refused(tmp_path):
    torch.save({"a": torch.zeros(1_000_000)}, tmp_path / "whole.pth")
    with zipfile.ZipFile(tmp_path / "whole.pth") as whole, zipfile.ZipFile(tmp_path / "bomb.pth", "w") as bomb:
        for part in whole.infolist():
            bomb.writestr(part.filename, whole.read(part), zipfile.ZIP_DEFLATED)
    with pytest.raises(WeightsError, match="holds packed parts"):
        load_torch_file(tmp_path / "bomb.pth")


def test_tensors_larger_than_the_file_are_refused(tmp_path):
    torch.save({"a": torch.zeros(1).expand(10**12)}, tmp_path / "a.pth")
    with pytest.raises(WeightsError, match="claim 4,000,000,000,000 bytes"):
        load_torch_file(tmp_path / "a.pth")


def test_code_never_runs(tmp_path):
    class Evil:
        def __reduce__(self):
            return (exec, (f"open({str(tmp_path / 'ran')!r}, 'w')",))

    torch.save({"a": Evil()}, tmp_path / "a.pth")
    with pytest.raises(WeightsError, match="a pickle could run code"):
        load_torch_file(tmp_path / "a.pth")
    assert not (tmp_path / "ran").exists()
    with pytest.raises(WeightsError, match="No such file"):
        load_torch_file(tmp_path / "none.pth")


class Calling:
    """Pickled, a call of a function."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


BOMBS = {
    "bytearray": Calling(bytearray, 10**11),
    "tensor": Calling(torch.Tensor, 10**5, 10**6),
    "numpy": Calling(np.float64(0).__reduce__()[0], Calling(np.dtype, "V100000000000")),
    "state": Calling(torch._utils._rebuild_parameter_with_state, torch.zeros(1), True, OrderedDict(), {"data": 1}),
}
"""What torch allows, and what would take 100 GB or set attributes of its own choice."""


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("name", BOMBS)
def test_calls_that_no_weights_need_are_refused_before_they_are_made(tmp_path, name, packed):
    torch.save({"a": BOMBS[name]}, tmp_path / "a.pth", _use_new_zipfile_serialization=packed)
    with pytest.raises(WeightsError):
        read_state(tmp_path / "a.pth")


def test_the_form_is_told_as_torch_tells_it(tmp_path):
    torch.save({"a": torch.zeros(1)}, tmp_path / "well.pth")
    bomb = [torch.serialization.MAGIC_NUMBER, 1001, {}, {"a": BOMBS["bytearray"]}, []]
    content = b"".join(pickle.dumps(part, 2) for part in bomb) + (tmp_path / "well.pth").read_bytes()
    (tmp_path / "both.pth").write_bytes(content)
    with pytest.raises(WeightsError, match="bytearray"):
        load_torch_file(tmp_path / "both.pth")


@pytest.mark.parametrize("packed", [True, False])
def test_plain_values_beside_the_weights_are_read(tmp_path, packed):
    beside = {"loss": np.float64(0.25), "epoch": np.int64(3), "options": argparse.Namespace(lr=1), "kind": torch.half}
    state = OrderedDict(a=torch.ones(2), b=torch.nn.Parameter(torch.zeros(1)))
    torch.save({"state_dict": state, **beside}, tmp_path / "a.pth", _use_new_zipfile_serialization=packed)
    assert torch.equal(read_state(tmp_path / "a.pth")["a"], torch.ones(2))
