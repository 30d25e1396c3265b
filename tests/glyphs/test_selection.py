import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from glyphsr.glyphs.selection import compactness, iou_with, is_plausible, select

REGION = np.zeros((8, 16), bool)
REGION[2:6, 2:6] = True


def box(top, bottom, left, right):
    mask = np.zeros((8, 16), bool)
    mask[top:bottom, left:right] = True
    return mask


def choose(masks, confidence, region=REGION, **options):
    given_options = {"threshold": 0.8, "max_area": 64, **options}
    return select(np.stack(masks), np.array(confidence), region, **given_options)


def test_iou_of_boxes():
    assert iou_with(np.stack([box(2, 6, 2, 6), box(2, 6, 4, 8), box(0, 1, 0, 1)]), REGION).tolist() == [1, 8 / 24, 0]


def test_the_highest_iou_above_the_threshold_wins():
    choice = choose([box(2, 6, 2, 6), box(2, 6, 2, 7), box(2, 6, 2, 9)], [0.79, 0.81, 0.99])
    assert (choice.index, choice.fallback) == (1, None)
    assert choice.iou == pytest.approx(16 / 20)


def test_the_threshold_itself_does_not_pass():
    assert choose([box(2, 6, 2, 6), box(2, 6, 2, 7)], [0.8, 0.81]).index == 1


def test_without_glyph_attention_confidence_over_root_of_area_decides():
    masks, confidence = [box(2, 6, 2, 6), box(2, 4, 2, 4)], [0.9, 0.85]  # 0.9 / 4 against 0.85 / 2
    choice = choose(masks, confidence, np.zeros((8, 16), bool))
    assert (choice.index, choice.iou, choice.fallback) == (1, None, "no_glyph_attention")
    far = choose(masks, confidence, box(7, 8, 14, 16))  # meets none of them, so it must be wrong
    assert (far.index, far.fallback) == (1, "no_glyph_attention")
    assert compactness(np.stack([*masks, np.zeros((8, 16), bool)]), np.array([*confidence, 1.0])).tolist() == [
        0.9 / 4,
        0.85 / 2,
        -np.inf,
    ]


def test_none_above_the_threshold_is_said():
    masks, confidence = [box(2, 6, 2, 7), box(2, 6, 2, 6)], [0.5, 0.2]
    best = choose(masks, confidence)
    assert (best.index, best.fallback) == (1, "below_threshold")
    empty = choose(masks, confidence, when_none_passes="empty")
    assert (empty.index, empty.fallback) == (None, "below_threshold")


def test_large_empty_and_numberless_masks_are_no_candidates():
    large = choose([box(0, 8, 0, 16), box(2, 6, 2, 9)], [0.99, 0.9])
    assert large.index == 1
    nothing = choose([np.zeros((8, 16), bool), box(0, 8, 0, 16), box(2, 6, 2, 6)], [0.9, 0.9, np.nan])
    assert (nothing.index, nothing.fallback) == (None, "no_mask")
    assert select(np.zeros((0, 8, 16), bool), np.zeros(0), REGION, threshold=0.8, max_area=64).fallback == "no_mask"


@given(
    hnp.arrays(bool, (5, 6, 9)), hnp.arrays(float, 5, elements=st.floats(0, 1)), hnp.arrays(bool, (6, 9)), st.randoms()
)
def test_the_order_of_candidates_does_not_matter(masks, confidence, region, random):
    order = list(range(5))
    random.shuffle(order)
    first = select(masks, confidence, region, threshold=0.5, max_area=40)
    second = select(masks[order], confidence[order], region, threshold=0.5, max_area=40)
    assert first.fallback == second.fallback
    assert first.iou == second.iou
    assert (first.index is None) == (second.index is None)


def test_the_guard_knows_size_ink_reach_and_neighbours():
    ink = box(1, 7, 1, 15)
    masks = np.stack(
        [
            box(2, 6, 2, 6),  # a character
            box(0, 8, 0, 16),  # the whole line
            box(0, 1, 2, 6),  # beside the ink
            box(2, 4, 2, 14),  # three characters wide
            np.zeros((8, 16), bool),
        ]
    )
    assert is_plausible(masks, ink, (2, 6), np.array([3.5, 8.0, 12.0])).tolist() == [True, False, False, False, False]
    narrow = is_plausible(box(2, 6, 2, 9)[None], ink, (2, 6), np.array([3.0, 5.0, 8.0]))
    assert not narrow[0]  # over three key points
