import pytest
import torch

from glyphsr.metrics.glyph_maps import MapSums, map_sums, mask_iou


def masks():
    """Two words of two slots, the second slot of the second word empty."""
    chars = torch.zeros(2, 2, 4, 8)
    chars[0, 0, :, :2] = chars[0, 1, :, 4:6] = chars[1, 0, :, :4] = 1.0
    return chars


def test_the_masks_themselves_are_perfect_and_empty_slots_have_no_iou():
    sums = map_sums(masks(), masks())
    assert (sums.words, sums.glyphs, sums.iou, sums.error) == (2, 3, 3, 0)
    assert mask_iou(masks(), masks()).isnan().tolist() == [[False, False], [False, True]]


def test_a_map_of_zeros_has_its_own_error():
    scores = map_sums(torch.zeros(2, 2, 4, 8), masks()).scores("char")
    assert scores["char_mse"] == scores["char_zero_mse"] == pytest.approx(8 * 4 / (2 * 2 * 32))
    assert scores["char_iou"] == 0


def test_sums_of_parts_are_those_of_the_whole():
    torch.manual_seed(0)
    maps = torch.rand(2, 2, 4, 8)
    whole, parts = map_sums(maps, masks()), map_sums(maps[:1], masks()[:1]) + map_sums(maps[1:], masks()[1:])
    assert parts.scores("char") == pytest.approx(whole.scores("char"))
    assert MapSums().scores("char") == {}
    with pytest.raises(ValueError, match="one shape"):
        map_sums(maps[:1], masks())
