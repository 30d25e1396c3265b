import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glyphsr.config.extraction import ExtractConfig
from glyphsr.extraction.extract import extract_glyphs
from glyphsr.glyphs.extraction import extract_words, fallback_counts
from glyphsr.glyphs.ink_segmenter import InkSegmenter
from glyphsr.glyphs.protocols import Candidates
from glyphsr.glyphs.segmentation_localizer import CutsLocalizer
from glyphsr.glyphs.selection import iou_with
from glyphsr.glyphs.word import Rejection, _even_split, from_frame, prepare_word

from ..helpers.drawn_words import draw_glyphs

WORDS = st.text("abcdeghknopqsuvxyzABCDEFGHKLNOPRSTUVXYZ23456789", min_size=1, max_size=9)


def extracted(image, text, **settings):
    word = prepare_word(image, text, squeeze=settings.get("frame") == "paper")
    return extract_words([word], CutsLocalizer(), InkSegmenter(), ExtractConfig(**settings))[0]


def ious(found, masks):
    return [float(iou_with(a[None], b)[0]) for a, b in zip(found.chars, masks, strict=True)]


@settings(deadline=None)
@given(WORDS)
def test_masks_of_a_drawn_word_are_its_characters(text):
    image, masks = draw_glyphs(text)
    found = extracted(image, text)
    assert found.text == text
    assert min(ious(found, masks)) > 0.8
    assert found.quality > 0.4


@settings(deadline=None)
@given(WORDS)
def test_the_line_is_the_union_and_characters_do_not_overlap(text):
    found = extracted(draw_glyphs(text, gap=0)[0], text)
    assert np.array_equal(found.line, found.chars.any(axis=0))
    assert found.chars.sum(axis=0).max() <= 1
    assert len(found.glyphs) == len(found.chars) == len(text)


@settings(deadline=None)
@given(WORDS, st.integers(1, 12))
def test_a_shifted_picture_has_shifted_masks(text, shift):
    image, _ = draw_glyphs(text, margin=16)
    moved = np.roll(image, shift, axis=1)
    first, second = extracted(image, text), extracted(moved, text)
    assert np.array_equal(np.roll(first.chars, shift, axis=2), second.chars)
    assert [p[0] + shift for g in first.glyphs for p in g.points] == pytest.approx(
        [p[0] for g in second.glyphs for p in g.points], abs=2e-3
    )


@pytest.mark.parametrize("height", [16, 24, 48, 90])
@pytest.mark.parametrize("frame", ["natural", "paper"])
def test_masks_have_the_size_of_the_picture(height, frame):
    image, masks = draw_glyphs("crown", height=height)
    found = extracted(image, "crown", frame=frame)
    assert found.chars.shape == (5, *image.shape[:2])
    assert np.median(ious(found, masks)) > 0.6
    x, y = found.glyphs[2].points[1]
    rows, columns = np.nonzero(masks[2])
    assert abs(x - (columns.min() + columns.max()) / 2) < 0.1 * height
    assert abs(y - (rows.min() + rows.max()) / 2) < 0.1 * height


def test_spaces_have_no_mask_but_punctuation_has():
    image, _ = draw_glyphs("St.")
    assert extracted(image, "S t.").text == "St."
    assert len(extracted(image, "St.").chars) == 3


@pytest.mark.parametrize(
    ("image", "text", "reason"),
    [
        (draw_glyphs("oak")[0], "", "empty_label"),
        (draw_glyphs("oak")[0], " \t", "empty_label"),
        (draw_glyphs("oak")[0], "x" * 400, "too_long"),
        (np.full((32, 80, 3), 128, np.uint8), "oak", "blank"),
        (np.full((1, 1, 3), 128, np.uint8), "o", "blank"),
    ],
)
def test_words_without_glyphs_say_why(image, text, reason):
    with pytest.raises(Rejection, match=reason):
        prepare_word(image, text)
    found = extract_glyphs(image, text, segmenter="ink", localizer="cuts")
    assert (found.rejected, found.quality, found.glyphs) == (reason, 0.0, ())
    assert found.line.shape == image.shape[:2]
    assert found.chars.shape == (0, *image.shape[:2])


@pytest.mark.parametrize("height", [16, 25, 48, 70])
def test_masks_stay_apart_and_whole_at_other_sizes(height):
    image = np.full((height, 4 * height, 3), 230, np.uint8)
    image[height // 4 : 3 * height // 4, 4 : 4 * height - 4] = 20  # one bar that four characters share
    found = extracted(image, "abcd")
    assert found.chars.sum(axis=0).max() == 1
    inner = found.line[height // 4 + 2 : 3 * height // 4 - 2, 8 : 4 * height - 8]
    assert inner.all()


@pytest.mark.parametrize("size", [(40, 60), (31, 43), (16, 200)])
def test_each_axis_is_averaged_where_it_shrinks(size):
    mask = np.zeros((1, 32, 128), bool)
    mask[0, :, ::4] = True  # a quarter of each stretch is ink
    assert from_frame(mask, size).mean() < (0.02 if size[1] < 128 else 0.5)


def test_combining_and_invisible_marks_are_no_characters():
    image, _ = draw_glyphs("cafe")
    assert extracted(image, "cafe\u0301").text == "café"
    assert extracted(image, "ca\u200bfe").text == "cafe"
    with pytest.raises(Rejection, match="empty_label"):
        prepare_word(image, "\u200b")


def test_a_picture_wider_than_any_word_is_rejected():
    with pytest.raises(Rejection, match="too_wide"):
        prepare_word(np.zeros((2, 200, 3), np.uint8), "abc")


def test_squeezing_makes_no_room():
    with pytest.raises(Rejection, match="too_long"):
        prepare_word(np.zeros((32, 6, 3), np.uint8), "abcdef", squeeze=True)


def test_an_even_split_gives_every_character_a_column():
    mask = np.zeros((32, 12), bool)
    mask[:, 6:12] = True
    cells = _even_split(mask, "WWiiii").cells
    assert (cells[:, 1] > cells[:, 0]).all()
    assert (cells[0, 0], cells[-1, 1]) == (6, 12)


def test_what_is_no_picture_is_refused():
    for image in (np.zeros((8, 8), np.uint8), np.zeros((8, 8, 3), np.float32), np.zeros((0, 5, 3), np.uint8)):
        with pytest.raises(ValueError, match="expected \\(H, W, 3\\) uint8"):
            prepare_word(image, "a")


class Offers:
    """Stands for a segmenter: the same masks for every prompt of a word."""

    def __init__(self, masks, confidence):
        self.masks, self.confidence = masks, confidence

    def segment(self, words, key_points, prompts):
        count = len(self.masks)
        return [
            Candidates(
                np.concatenate([self.masks] * len(own.points)),
                np.tile(self.confidence, len(own.points)),
                np.repeat(np.arange(len(own.points)), count),
            )
            for own in prompts
        ]


def filled_and_line(masks):
    """What SAM tends to offer: the character with its counter filled, and the whole line."""
    box = np.zeros_like(masks[0])
    rows, columns = np.nonzero(masks[0])
    box[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1] = True
    return np.stack([box, np.ones_like(box)])


def test_paper_takes_the_filled_letter_and_robust_opens_its_counter():
    image, masks = draw_glyphs("o", height=32, margin=20)
    word = prepare_word(image, "o")
    offers = Offers(filled_and_line(masks), np.array([0.9, 0.95]))
    paper = extract_words([word], CutsLocalizer(), offers, ExtractConfig())[0]
    robust = extract_words([word], CutsLocalizer(), offers, ExtractConfig(profile="robust"))[0]
    assert iou_with(paper.chars, masks[0])[0] < 0.7
    assert iou_with(robust.chars, masks[0])[0] > 0.9


def test_robust_takes_ink_where_no_mask_is_plausible():
    image, masks = draw_glyphs("oak", gap=6)
    word = prepare_word(image, "oak")
    offers = Offers(np.ones((1, *masks[0].shape), bool), np.array([0.99]))
    robust = extract_words([word], CutsLocalizer(), offers, ExtractConfig(profile="robust"))[0]
    assert [glyph.fallback for glyph in robust.glyphs] == ["guarded_out"] * 3
    assert min(ious(robust, masks)) > 0.8
    paper = extract_words([word], CutsLocalizer(), offers, ExtractConfig())[0]
    assert fallback_counts([paper]) == {"no_mask": 3}
    assert paper.quality == 0


def test_records_say_where_each_mask_comes_from():
    image, _ = draw_glyphs("oak", gap=6)
    for record in extracted(image, "oak").glyphs:
        assert record.source == "cuts"
        assert record.anchor == tuple(np.floor(np.array(record.points[0]) + 0.5))
        assert record.iou > 0.9
        assert record.confidence > 0.8
        assert record.fallback is None
