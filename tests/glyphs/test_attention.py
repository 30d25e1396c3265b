from dataclasses import replace

import numpy as np
import pytest

from glyphsr.config.extraction import KeyPointConfig
from glyphsr.glyphs.attention import (
    AttentionLocalizer,
    CheckedLocalizer,
    attention_centre,
    enlarge,
    glyph_attention,
    merge_heads,
    rectangle_centre,
)
from glyphsr.glyphs.segmentation_localizer import CutsLocalizer
from glyphsr.glyphs.word import prepare_word

from ..helpers.drawn_words import draw_glyphs

CONFIG = KeyPointConfig()


def bump(x, y, size=(32, 64), spread=4.0):
    rows, columns = np.mgrid[: size[0], : size[1]]
    return np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * spread**2)).astype(np.float32)


class Given:
    """Attention that a test has made up; stands for a recognizer."""

    def __init__(self, maps):
        self.maps = maps

    def attend(self, words):
        return [self.maps for _ in words]


@pytest.fixture(scope="module")
def word():
    return prepare_word(draw_glyphs("oak", gap=6)[0], "oak")


def maps_on(word, xs):
    return [bump(x, 14, word.ink.mask.shape) for x in xs]


def true_places(word):
    return CutsLocalizer().locate([word])[0].points[:, 0, 0]


@pytest.mark.parametrize("centre", ["mass", "box"])
def test_the_centre_of_a_bump_is_its_peak(centre):
    config = KeyPointConfig(centre=centre)
    np.testing.assert_allclose(attention_centre(bump(20, 12), config), [20, 12], atol=1e-3)


def test_the_component_with_more_attention_wins_and_specks_are_opened_away():
    attention = np.maximum(bump(15, 12, spread=3), 0.9 * bump(45, 12, spread=6))
    np.testing.assert_allclose(attention_centre(attention, CONFIG), [45, 12], atol=0.5)
    speck = 0.2 * bump(40, 12)
    speck[3, 3] = 0.21
    np.testing.assert_allclose(attention_centre(speck, CONFIG), [40, 12], atol=0.5)


def test_a_peak_smaller_than_the_opening_still_counts():
    attention = np.zeros((32, 64), np.float32)
    attention[7, 9] = 1
    assert attention_centre(attention, CONFIG).tolist() == [9, 7]


@pytest.mark.parametrize("value", [0.0, np.nan])
def test_no_attention_has_no_centre(value):
    assert attention_centre(np.full((8, 32), value, np.float32), CONFIG) is None


def test_heads_merge_by_mean_or_maximum():
    heads = np.stack([np.zeros((1, 2, 2)), np.ones((1, 2, 2))]).astype(np.float32)
    assert merge_heads(heads, "mean").max() == 0.5
    assert merge_heads(heads, "max").max() == 1.0


def test_enlarging_keeps_the_place():
    small = np.zeros((8, 32), np.float32)
    small[3, 10] = 1  # a cell of 4 x 4 pixels
    np.testing.assert_allclose(attention_centre(enlarge(small, (32, 128)), CONFIG), [41.5, 13.5], atol=0.01)


def test_glyph_attention_is_foreground_under_attended_columns():
    foreground = np.zeros((32, 64), bool)
    foreground[10:20, 5:60] = True
    region = glyph_attention(foreground, bump(20, 12), 0.3)
    columns = np.flatnonzero(region.any(axis=0))
    assert region[10:20, 20].all()
    assert not region[:10].any()
    assert abs(columns.mean() - 20) < 0.01
    assert len(columns) < 20
    assert not glyph_attention(foreground, np.full((32, 64), np.nan, np.float32), 0.3).any()


def test_the_minimum_rectangle_of_a_slanted_stroke():
    mask = np.eye(20, dtype=bool)
    assert rectangle_centre(mask, rotated=False).tolist() == [9.5, 9.5]
    np.testing.assert_allclose(rectangle_centre(mask, rotated=True), [9.5, 9.5], atol=1e-4)
    assert rectangle_centre(np.zeros((4, 4), bool), rotated=True) is None


def test_attention_gives_both_key_points(word):
    places = true_places(word)
    found = AttentionLocalizer(Given(maps_on(word, places)), CONFIG).locate([word])[0]
    assert found.sources == ("attention",) * 3
    np.testing.assert_allclose(found.points[:, 0, 0], places, atol=1)
    np.testing.assert_allclose(found.points[:, 1, 0], places, atol=3)
    assert all(region.any() for region in found.attention)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (lambda m: np.full_like(m, np.nan), "nan_attention"),
        (np.zeros_like, "empty_attention"),
        (lambda m: "outside_alphabet", "outside_alphabet"),
    ],
)
def test_cuts_stand_in_where_attention_cannot_be_used(word, bad, reason):
    maps = maps_on(word, true_places(word))
    maps[1] = bad(maps[1])
    found = AttentionLocalizer(Given(maps), CONFIG).locate([word])[0]
    assert found.sources == ("attention", "cuts", "attention")
    assert found.reasons == (None, reason, None)
    np.testing.assert_allclose(found.points[1], CutsLocalizer().locate([word])[0].points[1])


def test_coinciding_key_points_are_told_apart_by_cuts(word):
    places = true_places(word)
    found = AttentionLocalizer(Given(maps_on(word, [places[0], places[0], places[2]])), CONFIG).locate([word])[0]
    assert found.reasons[1] == "coinciding"
    assert found.points[1, 0, 0] > places[0] + 3


def test_whoever_is_moved_may_not_meet_another(word):
    places = CutsLocalizer().locate([word])[0].points[:, 0]
    maps = [bump(*places[i], word.ink.mask.shape) for i in (1, 2, 2)]
    found = AttentionLocalizer(Given(maps), CONFIG).locate([word])[0]
    assert found.reasons == ("coinciding", "coinciding", None)
    np.testing.assert_allclose(found.points[:, 0], places, atol=1)


def test_slanted_characters_are_ordered_along_the_line(word):
    count = len(word.text)
    middle = (word.ink.mask.shape[0] - 1) / 2
    cells = np.array([[10, 18], [18, 26], [26, 34]])
    split = replace(word.split, cells=cells, slant=0.45, cost=9.0)
    heights = np.array([4.0, 26.0, 4.0])
    x = cells.mean(axis=1) - 0.45 * (heights - middle)
    assert x[0] > x[1]  # a high mark before a low one
    maps = [bump(px, py, word.ink.mask.shape, spread=2.0) for px, py in zip(x, heights, strict=True)]
    found = CheckedLocalizer(AttentionLocalizer(Given(maps), CONFIG)).locate([replace(word, split=split)])[0]
    assert found.reasons == (None,) * count


def test_checked_replaces_what_is_out_of_order_or_far_away(word):
    a, b, c = true_places(word)
    unsplit = replace(word, split=replace(word.split, cost=9.0))
    given = CheckedLocalizer(AttentionLocalizer(Given(maps_on(word, [c + 9, b, c])), CONFIG))
    assert given.locate([unsplit])[0].reasons == ("out_of_order", None, None)
    assert given.locate([word])[0].reasons == ("far_from_cuts", None, None)
    drifted = CheckedLocalizer(AttentionLocalizer(Given(maps_on(word, [a, b, c + 11])), CONFIG)).locate([word])[0]
    assert drifted.reasons == (None, None, "far_from_cuts")
