import numpy as np
import pytest

from glyphsr.glyphs.exact_masks import exact_extraction


def masks(*boxes):
    chars = np.zeros((len(boxes), 8, 20), bool)
    for mask, (x0, y0, x1, y1) in zip(chars, boxes, strict=True):
        mask[y0:y1, x0:x1] = True
    return chars


def test_known_masks_have_the_form_of_extracted_ones():
    chars = masks((1, 2, 4, 6), (6, 0, 11, 8))
    chars[1, 0, 6] = False
    found = exact_extraction("a b", chars)
    assert (found.text, found.quality, found.rejected) == ("ab", 1.0, None)
    assert np.array_equal(found.line, chars[0] | chars[1])
    assert [record.char for record in found.glyphs] == ["a", "b"]
    mass, middle = found.glyphs[0].points
    assert mass == middle == (2.0, 3.5)
    mass, middle = found.glyphs[1].points
    assert middle == (8.0, 3.5)
    assert mass == (8.05, 3.59)  # a corner is missing


def test_a_mask_without_pixels_is_said():
    found = exact_extraction("ab", masks((1, 2, 4, 6), (0, 0, 0, 0)))
    assert [record.fallback for record in found.glyphs] == [None, "empty mask"]


def test_as_many_masks_as_characters_are_expected():
    with pytest.raises(ValueError, match="expected 3 masks, got 1"):
        exact_extraction("a bc", masks((1, 2, 4, 6)))
