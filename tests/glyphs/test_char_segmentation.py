import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from glyphsr.glyphs.char_segmentation import EMPTY_COST, runs, split_slanted, split_word
from glyphsr.glyphs.deslant import row_shifts, straightened
from glyphsr.glyphs.widths import relative_widths
from glyphsr.text.charset import PRINTABLE_94

from ..helpers.drawn_words import draw_glyphs


def bars(*spans, height=32, width=None):
    mask = np.zeros((height, width or spans[-1][1] + 2), bool)
    for start, end in spans:
        mask[6:26, start:end] = True
    return mask


def test_runs_of_a_row():
    starts, ends = runs(np.array([False, True, True, False, True]))
    assert (starts.tolist(), ends.tolist()) == ([1, 4], [3, 5])


def test_separate_bars_are_one_character_each():
    split = split_word(bars((2, 12), (15, 25), (28, 38)), "nnn")
    assert split.cells.tolist() == [[2, 12], [15, 25], [28, 38]]
    assert split.cost < 0.05


def test_widths_decide_where_characters_touch():
    split = split_word(bars((2, 30)), "mi")
    (first, cut), (again, last) = split.cells.tolist()
    assert (first, last) == (2, 30)
    assert cut == again
    assert 20 <= cut <= 26  # m is three times as wide as i


def test_a_cut_prefers_the_thin_place():
    mask = bars((2, 24))
    mask[6:25, 14] = False  # a ligature one pixel high
    assert split_word(mask, "nn").cells.tolist() in ([[2, 14], [14, 24]], [[2, 14], [15, 24]], [[2, 15], [15, 24]])


def test_a_dot_that_the_label_leaves_out_is_skipped():
    mask = bars((2, 12), (15, 25), (40, 50), (53, 63))
    mask[24:26, 30:32] = True
    assert split_word(mask, "4500").cells.tolist() == [[2, 12], [15, 25], [40, 50], [53, 63]]


def test_a_neighbour_at_the_border_is_skipped():
    mask = bars((0, 3), (8, 18), (21, 31), (34, 44), width=50)
    assert split_word(mask, "oak").cells[0].tolist() == [8, 18]


def test_an_empty_stretch_is_dear():
    split = split_word(bars((2, 12)), "n")
    assert split.costs.max() < EMPTY_COST


def test_no_ink_or_no_room_is_no_split():
    assert split_word(np.zeros((32, 40), bool), "ab") is None
    assert split_word(bars((2, 4)), "abcdef") is None
    with pytest.raises(ValueError, match="at least one"):
        split_word(bars((2, 4)), "")


@given(st.text(PRINTABLE_94, min_size=1, max_size=12), st.integers(0, 6))
def test_stretches_are_in_order_without_overlap(text, gap):
    _, masks = draw_glyphs(text, gap=gap)
    mask = masks.any(axis=0)
    assume(mask.any())
    split = split_word(mask, text)
    assume(split is not None)
    assert (split.cells[:, 0] < split.cells[:, 1]).all()
    assert (split.cells[:-1, 1] <= split.cells[1:, 0]).all()
    assert (split.cells >= 0).all()
    assert (split.cells <= mask.shape[1]).all()
    assert split.costs.shape == (len(text),)


@given(st.text("abcdeghknopqsuvxyz23456789", min_size=1, max_size=8), st.integers(1, 15))
def test_shifted_ink_has_shifted_stretches(text, shift):
    _, masks = draw_glyphs(text, margin=20)
    mask = masks.any(axis=0)
    moved = np.roll(mask, shift, axis=1)
    first, second = split_word(mask, text), split_word(moved, text)
    assert np.array_equal(first.cells + shift, second.cells)
    assert first.cost == pytest.approx(second.cost)


@given(st.integers(0, 5000), st.integers(1, 5))
def test_shifted_blobs_have_shifted_stretches(seed, shift):
    rng = np.random.default_rng(seed)
    mask = np.zeros((32, 60), bool)
    mask[8:24, 5:45] = rng.random((16, 40)) > 0.6
    first, second = split_word(mask, "abcd"), split_word(np.roll(mask, shift, axis=1), "abcd")
    assert np.array_equal(first.cells + shift, second.cells)


@pytest.mark.parametrize("slant", [0.15, 0.3, 0.45, -0.15])
def test_slanted_writing_is_split_along_its_strokes(slant):
    upright = [bars(span, width=90) for span in ((20, 30), (32, 42), (44, 54), (56, 66))]
    leaning = [np.stack([np.roll(row, -s) for row, s in zip(m, row_shifts(32, slant), strict=True)]) for m in upright]
    mask = np.any(leaning, axis=0)
    split = split_slanted(mask, "nnnn", split_word(mask, "nnnn"))
    assert abs(split.slant - slant) < 0.16
    assert split.slant * slant > 0
    owners = split.owners(mask.shape)
    assert min((owners[own] == i).mean() for i, own in enumerate(leaning)) > 0.9


def test_upright_writing_stays_upright():
    _, masks = draw_glyphs("noun", gap=3)
    upright = split_word(masks.any(axis=0), "noun")
    assert split_slanted(masks.any(axis=0), "noun", upright) is upright


@given(st.floats(-0.5, 0.5), st.integers(2, 40))
def test_straightening_loses_nothing(slant, height):
    mask = np.random.default_rng(0).random((height, 30)) > 0.5
    upright, margin = straightened(mask, slant)
    assert upright.sum() == mask.sum()
    assert upright.shape == (height, 30 + 2 * margin)


def test_the_table_knows_all_printable_characters():
    assert (relative_widths(PRINTABLE_94) > 0).all()
    assert relative_widths("é").tolist() == [1.1]
    assert len(set(PRINTABLE_94)) == len(PRINTABLE_94) == 94
