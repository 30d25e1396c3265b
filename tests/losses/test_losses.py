import math

import pytest
import torch

from glyphsr.losses.ctc import ctc_loss
from glyphsr.losses.pixel import pixel_loss
from glyphsr.losses.text_focus import confusion_weights, weighted_cross_entropy
from glyphsr.losses.text_prior import text_prior_loss
from glyphsr.metrics.accuracy import words_match
from glyphsr.metrics.psnr import psnr
from glyphsr.text.ctc import CTCCodec


def test_pixel_loss_of_a_uniform_error_is_its_square():
    hr = torch.rand(2, 4, 8, 8)
    assert pixel_loss(hr + 0.1, hr).item() == pytest.approx(0.01, rel=1e-4)
    with pytest.raises(ValueError, match="one shape"):
        pixel_loss(hr, hr[:, :3])


def test_text_prior_loss_is_zero_for_equals_and_l1_plus_kl_else():
    p = torch.tensor([0.5, 0.5]).view(1, 2, 1, 1)
    q = torch.tensor([0.9, 0.1]).view(1, 2, 1, 1)
    assert text_prior_loss(q, q).item() == pytest.approx(0.0, abs=1e-7)
    kl = (0.9 * math.log(0.9 / 0.5) + 0.1 * math.log(0.1 / 0.5)) / 2
    assert text_prior_loss(p, q).item() == pytest.approx(0.4 + kl, rel=1e-5)
    with pytest.raises(ValueError, match="one shape"):
        text_prior_loss(p, torch.rand(1, 2, 1, 3))


def test_ctc_of_a_certain_path_is_zero_and_of_a_uniform_one_known():
    codec = CTCCodec("ab")
    certain = torch.full((3, 1, 3), -30.0)
    certain[[0, 1, 2], 0, [1, 0, 2]] = 30.0
    assert ctc_loss(certain, ["ab"], codec).item() == pytest.approx(0.0, abs=1e-4)
    # Two steps, one character: paths a-, -a, aa of 9 equally likely ones.
    assert ctc_loss(torch.zeros(2, 1, 3), ["a"], codec).item() == pytest.approx(math.log(9 / 3), rel=1e-4)


def test_ctc_ignores_a_text_that_cannot_fit():
    codec = CTCCodec("ab")
    logits = torch.zeros(1, 1, 3, requires_grad=True)
    loss = ctc_loss(logits, ["ab"], codec)
    loss.backward()
    assert loss.item() == 0
    assert torch.isfinite(logits.grad).all()


def test_psnr_of_a_tenth_is_twenty():
    hr = torch.zeros(2, 3, 4, 4)
    assert torch.allclose(psnr(hr + 0.1, hr), torch.tensor([20.0, 20.0], dtype=torch.float64), atol=1e-5)
    assert psnr(hr, hr).isinf().all()
    with pytest.raises(ValueError, match="one shape"):
        psnr(hr, hr[:1])


@pytest.mark.parametrize(("a", "b", "same"), [("Open!", "OPEN", True), ("", "!", True), ("0pen", "open", False)])
def test_words_match_after_the_filter(a, b, same):
    assert words_match(a, b) is same


def test_weighted_cross_entropy_of_ones_is_plain_and_does_not_overflow():
    logits, targets = 200 * torch.randn(5, 37), torch.arange(5)
    plain = torch.nn.functional.cross_entropy(logits, targets)
    assert torch.allclose(weighted_cross_entropy(logits, targets, torch.ones(37, 37)), plain)


def test_weighted_cross_entropy_is_its_closed_form():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(5, 4, generator=generator)
    weights = torch.rand(4, 4, generator=generator) + 0.1  # not symmetric
    targets = torch.tensor([0, 3, 1, 1, 2])
    expected = 0.0
    for x, y in zip(logits.tolist(), targets.tolist(), strict=True):
        total = sum(float(weights[y, j]) * math.exp(x[j]) for j in range(4))
        expected -= math.log(float(weights[y, y]) * math.exp(x[y]) / total) / 5
    assert float(weighted_cross_entropy(logits, targets, weights)) == pytest.approx(expected, rel=1e-5)


def test_likeness_makes_confusion_dearer():
    distances = torch.ones(62, 62) - torch.eye(62)
    distances[1, 2] = distances[2, 1] = 0.1
    weights = confusion_weights(distances)
    logits, targets = torch.zeros(1, 37), torch.tensor([2])
    alike, others = weighted_cross_entropy(logits, targets, weights), math.log(37)
    assert weights[2, 3] == pytest.approx(10)
    assert float(alike) == pytest.approx(math.log(46), abs=1e-4)
    assert float(alike) > others
    with pytest.raises(ValueError, match=r"expected \(62, 62\)"):
        confusion_weights(torch.ones(37, 37))
