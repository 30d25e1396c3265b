import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from glyphsr.glyphs.ink_segmenter import columns_between, own_pieces, pixel_owners, stability
from glyphsr.glyphs.refinement import intersect_ink
from glyphsr.glyphs.segmentation_localizer import CutsLocalizer
from glyphsr.glyphs.selection import iou_with
from glyphsr.glyphs.word import prepare_word

from ..helpers.drawn_words import draw_glyphs


def halves(width, at):
    owner = np.zeros((8, width), np.int64)
    owner[:, at:] = 1
    return owner


def test_a_piece_goes_whole_to_who_has_most_of_it():
    mask = np.zeros((8, 20), bool)
    mask[2:6, 2:11] = True  # one column of nine behind the border
    mask[2:6, 14:18] = True  # the second character
    first, second = own_pieces(mask, halves(20, 10), 2)
    assert first[:, 2:11].sum() == first.sum() == 36
    assert second[:, 14:18].sum() == second.sum() == 16


def test_a_piece_that_lies_in_both_is_cut():
    mask = np.zeros((8, 20), bool)
    mask[2:6, 4:16] = True
    first, second = own_pieces(mask, halves(20, 10), 2)
    assert first[:, :10].sum() == second[:, 10:].sum() == 24
    assert not (first & second).any()


def test_what_lies_in_nobodys_columns_is_dropped():
    mask = np.zeros((8, 20), bool)
    mask[2:6, 1:4] = mask[2:6, 8:12] = True
    owner = np.full((8, 20), -1)
    owner[:, 7:13] = 0
    assert own_pieces(mask, owner, 1)[0].sum() == 16


def test_a_small_piece_at_the_border_is_a_neighbours_but_a_dot_is_not():
    mask = np.zeros((12, 10), bool)
    mask[4:10, 3:6] = True  # the stem of an i
    mask[1:3, 3:6] = True  # its dot
    mask[11, 3:6] = True  # the line below
    kept = own_pieces(mask, np.zeros((12, 10), np.int64), 1)[0]
    assert kept[1:3, 3:6].all()
    assert not kept[11].any()


def test_columns_are_cut_at_the_thinnest_place():
    mask = np.zeros((8, 20), bool)
    mask[1:7, 2:9] = mask[1:7, 12:18] = True
    mask[6, 9:12] = True
    owner = columns_between(mask, np.array([5.0, 15.0]))
    assert (owner[:9] == 0).all()
    assert (owner[12:] == 1).all()


def test_a_centre_keeps_its_own_pixel():
    mask = np.zeros((32, 40), bool)
    mask[6:26, 10] = True  # a thin l
    mask[15, 10:14] = True
    mask[6:26, 14:22] = True
    owner = columns_between(mask, np.array([10.0, 18.0]))
    assert owner[10] == 0
    assert own_pieces(mask, np.broadcast_to(owner, mask.shape), 2)[0].sum() >= 20


def test_centres_out_of_order_are_no_basis_for_cuts():
    image, masks = draw_glyphs("noun", gap=6)
    word = prepare_word(image, "noun")
    places = CutsLocalizer().locate([word])[0].points[:, 0]
    for order in ([1, 0, 2, 3], [3, 1, 2, 0]):
        owner = pixel_owners(word, places[order])
        shares = own_pieces(word.ink.mask, owner, 4)
        assert min(iou_with(a[None], b)[0] for a, b in zip(shares, masks, strict=True)) > 0.8


@given(st.lists(st.floats(0, 39), min_size=1, max_size=6).map(sorted))
def test_columns_have_owners_in_order(centres):
    owner = columns_between(np.zeros((4, 40), bool), np.array(centres))
    assert (np.diff(owner) >= 0).all()
    assert owner.min() >= 0
    assert owner.max() < len(centres)


def test_a_sharp_mask_is_stable_and_a_blurred_one_is_not():
    mask = np.zeros((9, 9), bool)
    mask[3:6, 3:6] = True
    assert stability(mask.astype(np.float32), mask[None]).tolist() == [1.0]
    vague = np.where(mask, 0.56, 0.0).astype(np.float32)
    vague[2:7, 2:7] = np.maximum(vague[2:7, 2:7], 0.47)
    assert stability(vague, mask[None])[0] == 9 / 25
    assert stability(vague, np.zeros((1, 9, 9), bool)).tolist() == [0.0]


def test_refinement_opens_counters_unless_the_ink_is_doubtful():
    filled = np.zeros((9, 9), bool)
    filled[2:7, 2:7] = True
    ring = filled.copy()
    ring[4, 4] = False
    assert not intersect_ink(filled, ring, 60.0)[4, 4]
    assert intersect_ink(filled, ring, 5.0)[4, 4]  # hardly any contrast
    speck = np.zeros((9, 9), bool)
    speck[2, 2] = True
    assert np.array_equal(intersect_ink(filled, speck, 60.0), filled)  # hardly any of it is ink
