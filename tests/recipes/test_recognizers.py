"""The recipe of the package's judges runs as committed, from rendered words to judges; here with few steps."""

import subprocess
import sys

import pytest
import torch

from glyphsr.config.reader import load
from glyphsr.config.training import TrainConfig
from glyphsr.data.lmdb_pairs import PairedLmdb
from glyphsr.ocr.readers import open_reader
from glyphsr.weights.checkpoints import read_checkpoint
from glyphsr.weights.registry import BUNDLED_FOLDER

from ..conftest import ROOT


@pytest.fixture(scope="module")
def made(word_folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("judges")
    command = [sys.executable, str(ROOT / "recipes" / "recognizers.py"), "--words", str(word_folder), "--out", str(out)]
    command += ["--fonts", "builtin", "--count", "40", "--steps", "2", "--workers", "0", "--precision", "fp32"]
    command += ["--set", "batch_size=4", "--set", "validation.words=3", "--set", "data.held_out=0.4"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=500)
    assert done.returncode == 0, done.stderr[-2000:]
    return out, command


@pytest.mark.process
@pytest.mark.parametrize("kind", ["crnn", "moran", "aster"])
def test_each_kind_becomes_a_judge_with_a_card(made, kind):
    out, _ = made
    folders = ("judge-words", "judge-words-2", "judge-words-3")
    assert [len(PairedLmdb(out / folder)) for folder in folders] == [40, 40, 40]
    path = out / f"{kind}-synth.safetensors"
    judge = open_reader(f"{kind}={path}", torch.device("cpu"))
    assert judge.info.published is None
    assert len(judge.read([torch.rand(3, 32, 100)])) == 1
    checkpoint = read_checkpoint(path, tensors=True)
    assert checkpoint.card["name"] == f"{kind}-synth"
    assert checkpoint.card["steps"] == 2
    assert {tensor.dtype for tensor in checkpoint.tensors.values() if tensor.is_floating_point()} == {torch.float16}


@pytest.mark.process
@pytest.mark.parametrize(("kind", "count"), [("crnn", 4), ("moran", 2), ("aster", 4)])
def test_each_run_goes_on_from_the_one_before_and_the_last_is_what_is_kept(made, kind, count):
    out, _ = made
    runs = [out / f"{kind}{number}-synth" for number in ("", "-2", "-3", "-4")[:count]]
    best = [run / "checkpoints" / "best.safetensors" for run in runs]
    configs = [load(TrainConfig, run / "config.yaml", environment={}) for run in runs]
    assert [config.recognizer_weights for config in configs] == [None, *map(str, best[:-1])]
    words = [config.data.sources[0].path for config in configs[1:]]
    sets = {"crnn": ("-2", "-2", "-3"), "moran": ("-2",), "aster": ("-2", "-2", "-3")}
    assert words == [str(out / f"judge-words{which}") for which in sets[kind]]
    kept = read_checkpoint(out / f"{kind}-synth.safetensors").tensors
    parts = [read_checkpoint(path).tensors for path in best]
    same = [all(torch.equal(kept[key], part[key].to(kept[key].dtype)) for key in kept) for part in parts]
    assert same == [*[False] * (count - 1), True]


@pytest.mark.process
def test_the_same_command_again_makes_nothing_anew(made):
    out, command = made
    before = {path: path.stat().st_mtime_ns for path in out.rglob("metrics.jsonl")}
    again = subprocess.run([*command, "--only", "crnn"], capture_output=True, text=True, check=True, timeout=500)
    assert "has its 2 steps" in again.stdout
    assert len(before) == 10  # four runs of CRNN, two of MORAN, four of ASTER
    assert {path: path.stat().st_mtime_ns for path in before} == before


@pytest.mark.process
def test_the_packages_weights_stand_for_earlier_runs(made, tmp_path):
    _, command = made
    command = [str(tmp_path) if part == command[command.index("--out") + 1] else part for part in command]
    subprocess.run([*command, "--first", "aster-4"], capture_output=True, text=True, check=True, timeout=500)
    assert sorted(path.name for path in tmp_path.glob("aster*")) == ["aster-4-synth", "aster-synth.safetensors"]
    recipe = read_checkpoint(tmp_path / "aster-synth.safetensors", tensors=False).card["recipe"]
    assert recipe == "recipes/recognizers.py with configs/recognizers/aster-4.yaml, from the package's former"
    start = load(TrainConfig, tmp_path / "aster-4-synth" / "config.yaml", environment={}).recognizer_weights
    assert start == str(BUNDLED_FOLDER / "aster-synth.safetensors")
