"""Several processes, as torchrun starts them."""

import json
import os
import subprocess
import sys

import pytest
import torch
import yaml

from glyphsr.pipelines.models import load_super_resolver

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
    "loss": {"focus_recognizer": "compact"},
    # Adam divides by the size of a gradient, also where that is nothing but rounding (a bias before a normalisation);
    # a large epsilon makes it plain gradient descent with momentum, so that curves can be compared.
    "optimiser": {"learning_rate": 0.01, "epsilon": 1.0, "warmup_steps": 2, "ema_decay": 0.9},
    "steps": 8,
    "batch_size": 8,
    "validation": {"every": 8, "words": 4},
    "seed": 3,
}


def launch(tmp_path, name, processes, **changes):
    """Terms of every step, the score and the weights of a run in programs of its own."""
    folder = tmp_path / name
    settings = tmp_path / f"{name}.yaml"
    settings.write_text(yaml.safe_dump(SETTINGS | changes))
    script = [str(ROOT / "tests" / "pipelines" / "launched.py"), str(settings), str(folder)]
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    command = [sys.executable, *(torchrun if processes > 1 else []), *script]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GLYPHSR_")}
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=240, env=environment | {"OMP_NUM_THREADS": "1"}
    )
    assert done.returncode == 0, done.stderr[-3000:]
    written = json.loads((folder / "rows.json").read_text())
    weights = load_super_resolver(folder / "checkpoints" / "last.safetensors")[0].state_dict()
    return written["terms"], written["score"], weights


def relative(one, other):
    return max(abs(one[name] - other[name]) / max(1.0, abs(one[name])) for name in one)


SMOOTH = {"text_focus": 0.0, "hog": 0.0}
"""Without the terms that have kinks, where rounding alone grows tenfold within a few steps."""


@pytest.mark.parametrize(("steps", "loss"), [(8, SMOOTH), (3, SETTINGS["loss"])], ids=["smooth", "every term"])
def test_two_processes_with_half_the_batch_each_give_the_curve_of_one(tmp_path, steps, loss):
    changes = {"steps": steps, "loss": loss}
    one, score, weights = launch(tmp_path, "one", 1, **changes)
    two, other_score, other_weights = launch(tmp_path, "two", 2, **changes)
    assert len(one) == len(two) == steps
    assert {"pixel", "line", "char", "cls"} <= set(one[0])
    assert ({"hog", "attention", "confusion"} <= set(one[0])) == (loss is not SMOOTH)
    assert max(relative(a, b) for a, b in zip(one, two, strict=True)) < 1e-5
    assert other_score == pytest.approx(score, abs=1e-3)
    for key, value in weights.items():
        assert torch.allclose(value.float(), other_weights[key].float(), atol=1e-5), key


def test_parts_of_a_batch_add_up_to_it(tmp_path):
    """Without normalisation by batch nothing but the means over characters could tell the parts from the whole."""
    changes = {"steps": 2, "loss": {"text_focus": 0.0, "hog": 0.0, "glyph": 0.0}}
    whole, _, _ = launch(tmp_path, "whole", 1, **changes)
    optimiser = SETTINGS["optimiser"] | {"accumulation": 2}
    parts, _, _ = launch(tmp_path, "parts", 1, **changes, optimiser=optimiser)
    assert parts[0]["pixel"] == pytest.approx(whole[0]["pixel"], rel=0.1)  # each part has statistics of its own
    assert parts[0]["pixel"] != whole[0]["pixel"]
