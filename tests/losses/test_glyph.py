import math

import pytest
import torch

from glyphsr.losses.glyph import class_loss, mask_loss
from glyphsr.losses.gradient_profile import gradient_profile_loss
from glyphsr.text.slots import SlotCodec


def test_mask_loss_is_the_mean_square_and_counts_empty_slots():
    masks = torch.zeros(2, 16, 4, 8)
    masks[:, :3] = 1.0
    assert mask_loss(masks + 0.5, masks).item() == pytest.approx(0.25)
    assert mask_loss(torch.zeros_like(masks), masks).item() == pytest.approx(3 / 16)
    with pytest.raises(ValueError, match="one shape"):
        mask_loss(masks, masks[:, :1])


def test_mask_loss_of_no_words_is_zero_and_can_be_differentiated():
    maps = torch.zeros(0, 1, 4, 8, requires_grad=True)
    loss = mask_loss(maps, torch.zeros(0, 1, 4, 8))
    loss.backward()
    assert loss.item() == 0.0


def test_class_loss_counts_characters_and_the_end_and_nothing_behind():
    codec = SlotCodec(num_slots=4)
    classes = torch.tensor([codec.encode("a1"), codec.encode("")])
    assert classes.tolist() == [[10, 1, 36, -1], [36, -1, -1, -1]]
    logits = torch.zeros(2, 4, 39)
    assert class_loss(logits, classes).item() == pytest.approx(math.log(39))
    logits[0, 3] = 1000.0 * torch.randn(39)
    assert class_loss(logits, classes).item() == pytest.approx(math.log(39))
    logits[0, 0, 10] = 50.0  # one of four is certain
    assert class_loss(logits, classes).item() == pytest.approx(0.75 * math.log(39), rel=1e-5)
    with pytest.raises(ValueError, match="slots"):
        class_loss(logits[:, :3], classes)


def test_half_the_contrast_is_half_the_gradient():
    hr = torch.zeros(1, 3, 5, 9)
    hr[..., 5:] = 1.0
    assert gradient_profile_loss(hr, hr).item() == 0.0
    low = gradient_profile_loss(0.5 * hr, hr)
    dark = gradient_profile_loss(torch.zeros_like(hr), hr)
    assert low.item() == pytest.approx(dark.item() / 2, rel=1e-2)
    with pytest.raises(ValueError, match="one shape"):
        gradient_profile_loss(hr, hr[:, :1])


def test_gradient_profile_closed_form():
    hr = torch.zeros(1, 1, 1, 4)
    hr[..., 1] = 1.0  # differences: +1/2 before it, 0 on it, -1/2 behind it; up and down beyond the border it is zero
    expected = (0.5 + 0.0 + 0.5 + 0.0) / 4
    assert gradient_profile_loss(torch.zeros_like(hr), hr).item() == pytest.approx(expected, abs=2e-3)
