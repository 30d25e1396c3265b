"""Our HOG gives the published layer's descriptors and losses, wherever rounding does not decide a bin."""

import json

import numpy as np
import pytest
import torch

from glyphsr.losses.hog import hog, hog_loss

from .vectors import FOLDER

MANIFEST = json.loads((FOLDER / "hog.json").read_text())
ARRAYS = np.load(FOLDER / "hog.npz")


def picture(name):
    return torch.from_numpy(ARRAYS[f"in/{name}"])


def kept(name):
    """Cells ``(B, C, h, w)`` that are compared."""
    where = MANIFEST["outputs"][f"hog_{name}"].get("compare_where")
    shape = ARRAYS[f"out/hog_{name}"].shape
    return torch.from_numpy(ARRAYS[where]) if where else torch.ones(*shape[:2], *shape[3:], dtype=torch.bool)


@pytest.mark.parametrize("name", MANIFEST["inputs"])
def test_descriptors_agree(name):
    spec = MANIFEST["outputs"][f"hog_{name}"]
    gap = (hog(picture(name)) - torch.from_numpy(ARRAYS[spec["array"]])).abs().amax(dim=2)  # (B, C, h, w)
    assert gap[kept(name)].max() <= spec["atol"]


@pytest.mark.parametrize("pair", MANIFEST["losses"])
def test_losses_agree(pair):
    spec = MANIFEST["losses"][pair]
    a, b = picture(spec["a"]), picture(spec["b"])
    assert hog_loss(a, b).item() == pytest.approx(spec["l1"], abs=spec["atol"])
    both = kept(spec["a"]) & kept(spec["b"])
    gap = (hog(a) - hog(b)).abs().mean(dim=2)[both].mean()
    assert gap.item() == pytest.approx(spec["l1_where_both_masks"], abs=spec["atol_where_both_masks"])


def test_the_published_form_has_no_gradient_and_the_same_value():
    sr = picture("output_like").requires_grad_(True)
    published = hog_loss(sr, picture("smooth"), differentiable=False)
    assert not published.requires_grad
    assert published.item() == hog_loss(sr, picture("smooth")).item()
