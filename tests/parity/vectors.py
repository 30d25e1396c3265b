"""Golden vectors: manifests, filled weights and arrays, and where they are kept.

The vectors beside this file were computed with the public reference implementations on weights filled by a fixed
rule (``fill.py``). ``GLYPHSR_PARITY`` names another folder of the same form. Tolerances are each manifest's own: ten
times the reference's gap between float32 and float64.

One thing is outside those gaps: the inverse of the spline's kernel, which the reference computes in float32 whatever it
runs in. Its rounding is the processor's (those of five code paths of one library lie up to 6e-4 from the exact one, and
4e-6 of their absolute sums apart), so what a spline draws gets ``SPLINE_SLACK`` times the tolerance, and the numbers
that come after ASTER's are checked from the reference's own drawing; what it reads, from the image.
"""

import functools
import importlib.util
import json
import os
import re
from pathlib import Path
from types import ModuleType

import numpy as np
import torch

from glyphsr.models.registry import key_table

FOLDER = Path(os.environ.get("GLYPHSR_PARITY") or Path(__file__).parent)

SPLINE_SLACK = 3
"""Times the tolerance, for pictures drawn along a spline."""


def load_fill() -> ModuleType:
    spec = importlib.util.spec_from_file_location("parity_fill", FOLDER / "fill.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


FILL = load_fill()


class Vector:
    """Manifest, filled weights and arrays of one network."""

    def __init__(self, name):
        self.name = name
        self.manifest = FILL.load_manifest(FOLDER / f"{name}.json")
        filled = FILL.filled_state(self.manifest)
        assert FILL.digest(filled) == self.manifest["fill_sha256"]
        self.state = {key: torch.from_numpy(value) for key, value in filled.items()}
        shared = self.manifest.get("shared_entries", {})
        self.state |= {alias: self.state[first] for alias, first in shared.items()}
        self.arrays = np.load(FOLDER / f"{name}.npz")
        self.strings = self.manifest.get("strings", {})

    def input(self, name):
        return torch.from_numpy(self.arrays[self.manifest["inputs"][name]["array"]])

    def expected(self, name):
        return self.arrays[self.manifest["outputs"][name]["array"]]

    def check(self, name, tensor, slack=1):
        """The gap is within ``slack`` times the manifest's tolerance."""
        expected = self.expected(name)
        assert tensor.shape == expected.shape
        gap = np.abs(tensor.detach().numpy() - expected).max()
        assert gap <= slack * self.manifest["outputs"][name]["atol"], f"{self.name} {name}: off by {gap:.2g}"

    def check_thinned(self, name, tensor):
        """The same for an output of which every k-th element per axis is stored, as its manifest says."""
        steps = re.search(r"k = \[([\d, ]+)\]", self.manifest["outputs"][name]["meaning"])
        self.check(name, tensor[tuple(slice(None, None, int(k)) for k in steps[1].split(","))])

    def wrapped(self):
        """The state as the published file is organised: old BatchNorm, and the wrapper or prefix of its kind."""
        old = {key: value for key, value in self.state.items() if not key.endswith("num_batches_tracked")}
        note = self.manifest["checkpoint"]
        if "'module.'" in note and "state_dict_G" not in note:
            return {f"module.{key}": value for key, value in old.items()}
        if "state_dict_G" in note:
            return {"state_dict_G": old, "info": {"iters": 1}, "param_num": 3}
        return {"state_dict": old} if "'state_dict'" in note else old


@functools.lru_cache(maxsize=2)  # the largest has 250 MB of weights
def vector(name) -> Vector:
    return Vector(name)


@functools.cache
def functions():
    """The vectors without networks: values and arrays."""
    return json.loads((FOLDER / "functions.json").read_text()), np.load(FOLDER / "functions.npz")


def check_constants(expected_entries, state):
    """Constants that a constructor computes, by sum, absolute sum, first and last values.

    An inverse's sums have the spline's rounding in them (see above); the others are exact to 1e-6.
    """
    for key, expected in expected_entries.items():
        flat = state[key].flatten()
        atol = (5e-6 if key.endswith("inverse_kernel") else 1e-6) * max(1.0, expected["abs_sum"])
        assert abs(float(flat.double().sum()) - expected["sum"]) <= atol
        assert abs(float(flat.double().abs().sum()) - expected["abs_sum"]) <= atol
        assert np.allclose(flat[:4], expected["first"], rtol=1e-4, atol=1e-5)
        assert np.allclose(flat[-4:], expected["last"], rtol=1e-4, atol=1e-5)


def check_entries(network, name):
    """Every published entry has one of ours, or is named as unused; and every parameter of ours has one."""
    table = key_table(network.config)
    official = {key: shape for key, shape, *_ in vector(name).manifest["state_dict"]}
    ours = list(network.state_dict())
    assert {table.published(key) for key in ours} == {key for key in official if not table.is_unused(key)}
    assert [table.ours(table.published(key)) for key in ours] == ours
    statistics = ("running_mean", "running_var", "num_batches_tracked", ".pe")
    aliases = vector(name).manifest.get("shared_entries", {})  # further names of one parameter
    unused = [k for k in official if table.is_unused(k) and not k.endswith(statistics) and k not in aliases]
    count = sum(p.numel() for p in network.parameters()) + sum(torch.Size(official[key]).numel() for key in unused)
    assert count == vector(name).manifest["num_parameters"]
