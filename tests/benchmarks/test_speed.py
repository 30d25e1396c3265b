"""The scripts that measure speed run in their smallest form."""

import sys

import pytest

from ..conftest import ROOT


@pytest.fixture
def scripts(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    yield
    for name in ("network", "gpu", "released_form", "glyphs"):
        sys.modules.pop(name, None)


@pytest.mark.filterwarnings("ignore")  # of torchvision, and of the exporter about itself
def test_networks_are_compared_with_the_released_form(scripts, capsys):
    import network

    network.main(["--smallest"])
    rows = capsys.readouterr().out.splitlines()[1:]
    assert [row.partition(",")[0] for row in rows] == [
        "published network",
        "PARSeq prior",
        "compact",
        "upscale 4 files",
    ]
    assert all("onnx" in row and "torch" in row for row in rows)


@pytest.mark.filterwarnings("ignore")
def test_what_a_gpu_is_asked_runs_on_a_cpu(scripts, capsys):
    import gpu

    gpu.main(["--smallest", "--device", "cpu"])
    said = capsys.readouterr().out
    for part in ("published size, batch", "compact, batch", "training, bf16", "SAM small, crop bf16"):
        assert part in said
