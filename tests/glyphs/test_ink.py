import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glyphsr.glyphs.ink import border_fraction, find_ink, two_means, without_frames
from glyphsr.glyphs.kmeans import kmeans_line

from ..helpers.drawn_words import draw_glyphs


def test_two_means_finds_two_clusters_whatever_their_order():
    samples = np.array([[0.0, 0], [0, 1], [9, 9], [10, 9]], np.float32)
    centres, second = two_means(samples)
    assert sorted(centres[:, 0].tolist()) == [0.0, 9.5]
    assert len(set(second[:2])) == len(set(second[2:])) == 1
    assert second[0] != second[2]


def test_ink_of_a_drawn_word_is_its_masks():
    image, masks = draw_glyphs("Hotel")
    found = find_ink(image).mask
    union = masks.any(axis=0)
    assert (found & union).sum() / (found | union).sum() > 0.97


@given(st.booleans(), st.integers(0, 60))
def test_polarity_does_not_matter(light, shade):
    dark, bright = (shade, 20, 40), (240, 250 - shade, 230)
    ink, paper = (bright, dark) if light else (dark, bright)
    image, masks = draw_glyphs("oak", ink=ink, paper=paper)
    found = find_ink(image)
    assert (found.mask & masks.any(axis=0)).sum() > 0.95 * masks.any(axis=0).sum()
    assert found.mask.mean() < 0.5
    assert found.certainty > 0.9


def test_inverted_ink_is_the_ground():
    image, _ = draw_glyphs("oak")
    plain, inverted = find_ink(image), find_ink(image, inverted=True)
    np.testing.assert_allclose(plain.strength + inverted.strength, 1, atol=1e-5)


def test_local_comparison_sees_through_a_shade():
    image, masks = draw_glyphs("market", ink=(60, 60, 60), paper=(200, 200, 200))
    ramp = np.linspace(-150, 40, image.shape[1])[None, :, None]
    shaded = (image + ramp).clip(0, 255).astype(np.uint8)
    union = masks.any(axis=0)

    def iou(mask):
        return (mask & union).sum() / (mask | union).sum()

    assert iou(find_ink(shaded, local=True).mask) > iou(find_ink(shaded).mask) + 0.3


@pytest.mark.parametrize("shape", [(2, 2), (2, 40), (32, 2), (3, 3)])
def test_a_plain_picture_is_blank(shape):
    found = find_ink(np.full((*shape, 3), 77, np.uint8))
    assert found.is_blank
    assert not found.mask.any()


@pytest.mark.parametrize("shape", [(1, 9, 3), (9, 1, 3), (8, 8), (8, 8, 4)])
def test_wrong_shapes_are_refused(shape):
    with pytest.raises(ValueError, match="expected \\(H, W, 3\\)"):
        find_ink(np.zeros(shape, np.uint8))


def test_a_frame_goes_and_a_descender_stays():
    mask = np.zeros((32, 60), bool)
    mask[0, :] = True  # a line along the border
    mask[8:32, 10:13] = True  # a stroke that reaches the lower border
    mask[29:32, 40:50] = True  # the upper ends of the next line
    kept = without_frames(mask)
    assert kept[8:32, 10:13].all()
    assert not kept[0].any()
    assert not kept[:, 40:50].any()


def test_nothing_goes_where_most_of_the_line_would():
    mask = np.zeros((32, 60), bool)
    mask[0:32, 5:50] = True
    assert np.array_equal(without_frames(mask), mask)


def test_border_fraction_counts_each_corner_once():
    mask = np.zeros((3, 4), bool)
    mask[0, 0] = True
    assert border_fraction(mask) == 1 / 10


def test_kmeans_line_votes_by_border():
    image = np.full((32, 40, 3), 30, np.uint8)
    image[10:20, 10:30] = 200
    expected = np.zeros((32, 40), bool)
    expected[10:20, 10:30] = True
    assert np.array_equal(kmeans_line(image), expected)
    assert np.array_equal(kmeans_line(255 - image), expected)
    assert not kmeans_line(np.full((8, 8, 3), 9, np.uint8)).any()
