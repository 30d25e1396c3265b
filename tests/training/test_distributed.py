"""Several processes, as torchrun starts them."""

import json
import os
import subprocess
import sys

import pytest
import torch
import yaml

from glyphsr.training.run_folder import RunFolder
from glyphsr.weights.loading import load_super_resolver

from ..conftest import ROOT

SETTINGS = {
    "model": {
        "network": {
            "num_srbs": 2,
            "width": 8,
            "prior_width": 4,
            "prior_hidden": [8, 8, 8],
            "gfm_from": 2,
            "gpm": {"width": 8},
        },
        "prior": {"kind": "crnn", "width": 4, "hidden": 8},
    },
    "data": {"sources": [{"kind": "lmdb", "path": str(ROOT / "glyphsr" / "data" / "sample" / "train")}]},
    "loss": {"focus_recognizer": "crnn-light-synth"},
    # Adam divides by the size of a gradient, also where that is nothing but rounding (a bias before a normalisation);
    # a large epsilon makes it plain gradient descent with momentum, so that curves can be compared.
    "optimiser": {"learning_rate": 2e-5, "epsilon": 1.0, "clip_norm": 1e9, "warmup_steps": 2, "ema_decay": 0.9},
    "steps": 8,
    "batch_size": 9,
    "validation": {"every": 8, "words": 4},
    "seed": 3,
}


def started(tmp_path, name, processes, *, poison=None, **changes):
    """A run in programs of its own."""
    folder = tmp_path / name
    settings = tmp_path / f"{name}.yaml"
    settings.write_text(yaml.safe_dump(SETTINGS | changes))
    script = [str(ROOT / "tests" / "training" / "launched.py"), str(settings), str(folder), str(poison)]
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    command = [sys.executable, *(torchrun if processes > 1 else []), *script]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GLYPHSR_")}
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=240, env=environment | {"OMP_NUM_THREADS": "1"}
    )


def launch(tmp_path, name, processes, **changes):
    """Terms of every step, the score and the weights that it leaves."""
    done = started(tmp_path, name, processes, **changes)
    assert done.returncode == 0, done.stderr[-3000:]
    folder = tmp_path / name
    written = json.loads((folder / "rows.json").read_text())
    weights = load_super_resolver(folder / "checkpoints" / "last.safetensors")[0].state_dict()
    return written["terms"], written["score"], weights


def relative(one, other):
    return max(abs(one[name] - other[name]) / max(1.0, abs(one[name])) for name in one)


SMOOTH = {"text_focus": 0.0, "hog": 0.0}
"""Without the terms that have kinks, where rounding alone grows tenfold within a few steps."""


@pytest.mark.process
@pytest.mark.parametrize(
    ("steps", "loss", "limit"), [(8, SMOOTH, 1e-5), (3, SETTINGS["loss"], 1e-4)], ids=["smooth", "every term"]
)
def test_two_processes_with_half_the_batch_each_give_the_curve_of_one(tmp_path, steps, loss, limit):
    changes = {"steps": steps, "loss": loss}
    one, score, weights = launch(tmp_path, "one", 1, **changes)
    two, other_score, other_weights = launch(tmp_path, "two", 2, **changes)
    assert len(one) == len(two) == steps
    assert {"pixel", "line", "char", "cls"} <= set(one[0])
    assert ({"hog", "attention", "confusion"} <= set(one[0])) == (loss is not SMOOTH)
    assert max(relative(a, b) for a, b in zip(one, two, strict=True)) < limit
    assert other_score == pytest.approx(score, abs=1e-3)
    for key, value in weights.items():
        assert torch.allclose(value.float(), other_weights[key].float(), atol=1e-5), key


@pytest.mark.process
def test_parts_of_unequal_shares_pass_together_and_a_bad_batch_is_skipped_by_all(tmp_path):
    """Nine words in four parts on two processes: five and four words; then one of them has a loss that is no number."""
    optimiser = SETTINGS["optimiser"] | {"accumulation": 5}
    terms, _, weights = launch(tmp_path, "parts", 2, steps=3, loss=SMOOTH, optimiser=optimiser, poison=1)
    assert len(terms) == 3
    assert all(torch.isfinite(value).all() for value in weights.values())
    rows = [json.loads(line) for line in (tmp_path / "parts" / "skipped.jsonl").read_text().splitlines()]
    assert [(row["step"], len(row["ids"])) for row in rows] == [(2, 9)]


@pytest.mark.process
def test_what_goes_wrong_in_the_main_process_is_said_once_and_ends_all(tmp_path):
    folder = RunFolder(tmp_path / "busy")
    folder.open()
    try:
        done = started(tmp_path, "busy", 2)
    finally:
        folder.close()
    assert done.returncode != 0
    assert done.stderr.count("is training into it") == 1
    assert "Traceback" not in done.stderr.split("is training into it")[0]
