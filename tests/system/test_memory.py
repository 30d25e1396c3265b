import cv2
import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from glyphsr.system.memory import is_out_of_memory
from glyphsr_cli.app import app


def test_what_libraries_say_of_memory_is_told_from_other_errors():
    with pytest.raises(RuntimeError) as of_torch:
        torch.empty(1 << 50)
    with pytest.raises(cv2.error) as of_opencv:
        cv2.resize(np.zeros((0, 3), np.uint8), (1, 1))
    assert is_out_of_memory(of_torch.value)
    assert is_out_of_memory(cv2.error("alloc.cpp:73: error: (-4:Insufficient memory) Failed to allocate 76790 bytes"))
    assert not is_out_of_memory(of_opencv.value)
    assert not is_out_of_memory(OSError("out of memory"))


def test_memory_that_runs_out_is_one_line(monkeypatch):
    def full(**_):
        raise cv2.error("(-4:Insufficient memory) Failed to allocate 76790 bytes")

    monkeypatch.setattr("glyphsr.weights.hub.list_weights", full)
    result = CliRunner().invoke(app, ["models", "list"])
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("error: out of memory")
