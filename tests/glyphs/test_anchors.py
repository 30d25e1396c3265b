import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from glyphsr.glyphs.anchors import anchors_of, prompts_of
from glyphsr.glyphs.segmentation_localizer import CutsLocalizer
from glyphsr.glyphs.word import prepare_word

from ..helpers.drawn_words import draw_glyphs


def test_the_paper_has_nine_anchors():
    anchors = anchors_of(np.array([10.0, 10.0]), (2, 4), (32, 64))
    assert len(anchors) == 4 * 2 + 1
    assert set(map(tuple, anchors - 10)) == {
        (0, 0),
        *((0, s) for s in (-4, -2, 2, 4)),
        *((s, 0) for s in (-4, -2, 2, 4)),
    }


@given(
    st.floats(-5, 70),
    st.floats(-5, 40),
    st.lists(st.floats(0.5, 9), max_size=3),
    st.integers(1, 40),
    st.integers(1, 70),
)
def test_anchors_are_whole_pixels_of_the_picture(x, y, steps, height, width):
    anchors = anchors_of(np.array([x, y]), steps, (height, width))
    assert len(anchors) == 4 * len(steps) + 1
    assert (anchors >= 0).all()
    assert (anchors < [width, height]).all()
    assert (anchors == anchors.round()).all()


@given(st.floats(10, 20), st.floats(10, 20), st.integers(-3, 3), st.integers(-3, 3))
def test_shifted_points_have_shifted_anchors(x, y, right, down):
    first = anchors_of(np.array([x, y]), (2, 4), (100, 100))
    second = anchors_of(np.array([x + right, y + down]), (2, 4), (100, 100))
    np.testing.assert_allclose(second - first, np.broadcast_to([right, down], first.shape), atol=1)


def test_equal_places_are_one_prompt():
    image, _ = draw_glyphs("oak")
    word = prepare_word(image, "oak")
    points = CutsLocalizer().locate([word])[0]
    prompts = prompts_of(word, points, (2, 4), on_ink=False)
    for i in range(3):
        own = prompts.points[prompts.owners == i]
        assert len(np.unique(own, axis=0)) == len(own) <= 18
    assert np.array_equal(np.unique(prompts.owners), [0, 1, 2])


def test_on_ink_every_prompt_is_on_ink_even_in_an_o():
    image, masks = draw_glyphs("ooo", height=48)
    word = prepare_word(image, "ooo")
    points = CutsLocalizer().locate([word])[0]
    x, y = points.points[0, 0].round().astype(int)
    assert not word.ink.mask[y, x]  # the middle of an o is paper
    prompts = prompts_of(word, points, (0.5,), on_ink=True)
    places = prompts.points.astype(int)
    assert word.ink.mask[places[:, 1], places[:, 0]].all()
    assert masks.shape[0] == len(np.unique(prompts.owners))
