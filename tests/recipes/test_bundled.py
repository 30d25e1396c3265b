"""The recipe of the package's weights runs as committed, from masks to a file that upscales; here with few steps."""

import json
import subprocess
import sys

import pytest

from glyphsr import upscale
from glyphsr.weights.checkpoints import read_checkpoint
from glyphsr.weights.loading import load_recognizer, load_super_resolver

from ..conftest import ROOT, draw_word

pytestmark = pytest.mark.process

RENDERED = "{kind: rendered, render: {height: 32, fonts: [builtin]}}"
FOLDER = "{kind: folder, path: x, glyphs: runs/glyphs, group: ^.*, recombine: 1, color_jitter: 1}"
RUNS = ("compact-prior", "compact")
SOURCES = "data.sources=[" + RENDERED + ", " + FOLDER + "]"


@pytest.fixture(scope="module")
def made(word_folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("recipe")
    sets = (SOURCES, "batch_size=4", "validation.words=3", "validation.samples=1", "data.held_out=0.4")
    command = [sys.executable, str(ROOT / "recipes" / "bundled.py"), "--words", str(word_folder), "--out", str(out)]
    command += ["--prior-steps", "3", "--network-steps", "2", "--workers", "0", "--precision", "fp32"]
    command += [part for text in sets for part in ("--set", text)]
    first = subprocess.run(command, capture_output=True, text=True, check=False, timeout=500)
    assert first.returncode == 0, first.stderr[-2000:]
    return out, first.stdout, command


def test_every_piece_is_there_and_the_result_upscales(made):
    out, said, _ = made
    assert (out / "glyphs" / "data.mdb").is_file()
    model, checkpoint = load_super_resolver(out / "compact.safetensors")
    gate = model.config.confidence_gate
    assert gate is not None
    assert gate.low < gate.high
    assert model.config.condition_on_reading
    assert model.config.network.gfm_from
    assert checkpoint.card["strength"] == 1.0
    assert [checkpoint.card[key] for key in ("prior_steps", "network_steps")] == [3, 2]
    logged = json.loads((out / "compact" / "metrics.jsonl").read_text().splitlines()[-1])
    assert {"pixel", "ocr", "line", "char", "cls"} <= set(logged)
    by_training = read_checkpoint(out / "compact" / "checkpoints" / "last.safetensors", tensors=False).card
    assert len(set(checkpoint.card["readers"])) == 3
    assert "rapidocr" in checkpoint.card["readers"]
    assert by_training["readers"] == checkpoint.card["readers"]
    assert "prior reads" in said
    assert upscale(draw_word("EXIT", 16), weights=out / "compact.safetensors").image.shape[0] == 32
    prior = load_recognizer(out / "compact-prior" / "checkpoints" / "best.safetensors")
    kept = model.prior.recognizer.state_dict()
    for key, value in prior.state_dict().items():  # the network's run left the prior as it was
        assert value.half().equal(kept[key].half()), key


def test_a_finished_run_of_another_recipe_is_not_passed_off_as_this_one(made):
    out, _, command = made
    other = subprocess.run([*command, "--set", "seed=77"], capture_output=True, text=True, check=False, timeout=500)
    assert other.returncode == 1
    assert "compact-prior: was trained with another seed: 11 -> 77" in other.stderr
    assert "Traceback" not in other.stderr
    assert (out / "compact.safetensors").is_file()


def test_the_same_command_again_trains_nothing_anew(made):
    out, _, command = made
    logs = {run: (out / run / "metrics.jsonl").read_bytes() for run in RUNS}
    again = subprocess.run(command, capture_output=True, text=True, check=True, timeout=500)
    assert "Error" not in again.stderr
    assert logs == {run: (out / run / "metrics.jsonl").read_bytes() for run in logs}
    assert json.loads(logs["compact"].splitlines()[-1])["step"] == 2
