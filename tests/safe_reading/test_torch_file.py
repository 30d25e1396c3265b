import zipfile

import pytest
import torch

from glyphsr.errors import WeightsError
from glyphsr.safe_reading.torch_file import load_torch_file


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
