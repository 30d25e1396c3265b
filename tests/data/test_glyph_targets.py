import numpy as np
import torch

from glyphsr.data.glyph_targets import glyph_targets, shrink
from glyphsr.text.slots import SlotCodec
from glyphsr.types import Sample


def word(label="ab", chars=2, size=(8, 16), masked=True):
    picture = np.zeros((*size, 3), np.uint8)
    masks = np.zeros((chars, *size), bool)
    for i in range(chars):
        masks[i, 2:6, 4 * i : 4 * i + 3] = True
    if not masked:
        return Sample("w", picture, label)
    return Sample("w", picture, label, line=masks.any(axis=0), chars=masks)


def test_twice_the_size_is_averaged_over_two_by_two():
    masks = np.random.default_rng(0).random((3, 32, 128)) > 0.5
    expected = masks.reshape(3, 16, 2, 64, 2).mean(axis=(2, 4))
    np.testing.assert_allclose(shrink(masks, (16, 64)), expected, atol=1e-6)
    assert shrink(masks[:0], (16, 64)).shape == (0, 16, 64)


def test_any_size_keeps_the_share_of_the_area():
    masks = np.zeros((1, 50, 170), bool)
    masks[0, 5:40, 20:120] = True
    assert abs(float(shrink(masks, (16, 64)).mean()) - masks.mean()) < 1e-3


def test_slots_follow_the_characters_and_the_rest_is_zero():
    codec = SlotCodec(num_slots=4)
    targets = glyph_targets([word(), word(masked=False), word("abcde", 5, (8, 24))], codec, (4, 8))
    assert targets.line.shape == (3, 1, 4, 8)
    assert targets.chars.shape == (3, 4, 4, 8)
    assert targets.masked.tolist() == [True, False, True]
    assert targets.chars[0, 0].sum() == 3.0  # 12 of 128 pixels, on a grid of a quarter as many
    assert not targets.chars[0, 2:].any()
    assert not targets.line[1].any()
    assert targets.chars[2, :3].flatten(1).any(dim=1).all()  # cut to the three that fit beside the end
    assert not targets.chars[2, 3].any()


def test_a_line_alone_teaches_no_characters():
    sample = Sample("w", np.zeros((8, 16, 3), np.uint8), "ab", line=np.ones((8, 16), bool))
    targets = glyph_targets([sample], SlotCodec(), (4, 8))
    assert targets.masked.all()
    assert torch.equal(targets.line, torch.ones(1, 1, 4, 8))
    assert not targets.chars.any()
