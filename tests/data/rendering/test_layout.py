"""Masks are exact: of each character what it covers, wherever it stands and whatever stands beside it."""

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from glyphsr.config.rendering import BUILTIN_FONT, RenderConfig
from glyphsr.data.rendering.coverage import cover, masks_of, threshold, union
from glyphsr.data.rendering.fonts import open_font
from glyphsr.data.rendering.layout import Layout, Margins, PlacedGlyph, UndrawableError, place
from glyphsr.data.rendering.random_choices import RandomChoices

STRAIGHT = {
    "rotation": 0.0,
    "shear": 0.0,
    "perspective": 0.0,
    "curve_prob": 0.0,
    "stretch": 1.0,
    "tracking": 0.0,
    "touching_prob": 0.0,
}
WILD = {"rotation": 0.1, "shear": 0.3, "perspective": 0.3, "curve_prob": 1.0, "curve": 1.0, "touching_prob": 0.5}


def laid(text, seed=0, margin=0.1, **changes):
    config = RenderConfig(**changes)
    font = open_font(BUILTIN_FONT, 2 * config.height)
    draws = RandomChoices(np.random.default_rng(seed))
    return place(text, font, config=config, draws=draws, margins=Margins(*[margin] * 4))


def supersampled(glyph, size, fine=8):
    """Coverage by another way: sample points all over each pixel, taken back to the drawn shape."""
    rows, columns = ((np.arange(side * fine) + 0.5) / fine for side in size)
    points = np.stack([*np.meshgrid(columns, rows), np.ones((len(rows), len(columns)))])
    back = np.tensordot(np.linalg.inv(glyph.to_picture), points, 1)
    x, y = (np.floor(back[i] / back[2]).astype(int) for i in (0, 1))
    height, width = glyph.shape.shape
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    taken = np.where(inside, glyph.shape[np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)], 0)
    return taken.reshape(size[0], fine, size[1], fine).mean(axis=(1, 3))


@pytest.mark.parametrize("seed", range(6))
def test_a_character_alone_has_the_mask_that_it_has_in_the_word(seed):
    layout = laid("Crossing42", seed, **WILD)
    _, masks = masks_of(layout)
    for i, glyph in enumerate(layout.glyphs):
        _, (alone,) = masks_of(Layout((glyph,), layout.size, layout.box))
        assert np.array_equal(alone, masks[i])
        place_of, coverage = cover(glyph, layout.size)
        assert np.array_equal(threshold(coverage), masks[i][place_of])


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        ("Hotel", STRAIGHT | {"height": 64}),
        ("Hotel", WILD | {"height": 64}),
        ("m" * 40, STRAIGHT),
        ("A long line of text", WILD),
    ],
)
def test_masks_are_what_the_shapes_cover(text, changes):
    layout = laid(text, 3, **changes)
    _, masks = masks_of(layout)
    for glyph, mask in zip(layout.glyphs, masks, strict=True):
        height, width = glyph.shape.shape
        corners = glyph.to_picture @ np.array([[0, width, 0, width], [0, 0, height, height], [1, 1, 1, 1]])
        x, y = corners[:2] / corners[2]
        assert np.allclose((x.min(), y.min(), x.max(), y.max()), glyph.box, atol=0.01)
        truth = supersampled(glyph, layout.size)
        half = min(128, truth.max() / 2)
        assert not (mask & (truth < half - 45)).any()  # of 255: nothing that is clearly less than half
        assert not (~mask & (truth > half + 45)).any()


def test_a_straight_word_is_where_pillow_draws_it():
    text = "Hnumin"  # without kerning, which characters that are set one by one do not have
    layout = laid(text, margin=0.0, height=64, **STRAIGHT)
    coverage, masks = masks_of(layout)
    font = ImageFont.truetype(
        io.BytesIO(ImageFont.load_default(20).font_bytes), 128, layout_engine=ImageFont.Layout.BASIC
    )
    left, top, right, bottom = font.getbbox(text)
    canvas = Image.new("L", (int(right - left), int(bottom - top)), 0)
    ImageDraw.Draw(canvas).text((-left, -top), text, 255, font=font)
    truth = np.asarray(canvas.resize((coverage.shape[1], coverage.shape[0]), Image.Resampling.BOX)) >= 128
    line = masks.any(axis=0)
    assert (line & truth).sum() / (line | truth).sum() > 0.93


def test_masks_come_in_the_order_of_the_text_without_its_spaces():
    layout = laid("No Parking 2", **STRAIGHT)
    assert [glyph.char for glyph in layout.glyphs] == list("NoParking2")
    _, masks = masks_of(layout)
    middles = [np.flatnonzero(mask.any(axis=0)).mean() for mask in masks]
    assert middles == sorted(middles)
    gaps = np.diff(middles)
    assert gaps[1] > 1.2 * gaps[2]  # the space stayed where it was


def test_the_line_is_what_its_characters_cover_together():
    layout = laid("Willow", **STRAIGHT)
    coverage, masks = masks_of(layout)
    assert np.array_equal(coverage, union(layout.glyphs, layout.size))
    whole = threshold(coverage)
    assert (masks.any(axis=0) ^ whole).sum() <= 0.01 * whole.sum()  # seams, where letters share a pixel


def test_the_picture_has_the_asked_height_even_sides_and_room():
    for text in ("a", "Hotel", "extraordinarily long sentences"):
        layout = laid(text, margin=0.1, height=48, **STRAIGHT)
        assert layout.size[0] == 48
        assert layout.size[1] % 2 == 0
        x0, y0, x1, y1 = layout.box
        assert y1 - y0 == pytest.approx(48 / 1.2)
        assert min(x0, y0, layout.size[1] - x1, 48 - y1) >= 3.9


def test_long_text_is_drawn_narrower():
    layout = laid("m" * 60, max_aspect=8.0, **STRAIGHT)
    assert layout.size[1] / layout.size[0] < 9


@pytest.mark.parametrize("text", ["I", "Hotel", "m" * 30])
def test_the_horizon_is_never_crossed(text):
    for seed in range(40):
        layout = laid(text, seed, perspective=10.0, rotation=1.0, shear=1.0, curve_prob=0.5, curve=3.0)
        for glyph in layout.glyphs:
            height, width = glyph.shape.shape
            corners = np.array([[0, width, 0, width], [0, 0, height, height], [1, 1, 1, 1]])
            depths = (glyph.to_picture @ corners)[2]
            assert depths.min() > 0
            assert depths.max() / depths.min() < 4


def test_a_long_line_on_an_arc_is_no_smaller_than_one_that_is_straight():
    heights = []
    for share in (0.0, 1.0):
        layout = laid("A" * 40, 1, **(STRAIGHT | {"curve_prob": share, "curve": 0.5}))
        heights.append(np.median([glyph.box[3] - glyph.box[1] for glyph in layout.glyphs]))
    assert heights[1] > 0.35 * heights[0]


def test_a_character_that_cannot_be_seen_is_refused_with_and_without_masks():
    layout = laid("ab", **STRAIGHT)
    first, second = layout.glyphs
    away = PlacedGlyph("b", second.shape, second.to_picture, (-9.0, -9.0, -5.0, -5.0))
    faint = PlacedGlyph("b", second.shape // 16, second.to_picture, second.box)
    for gone in (away, faint):
        for draw in (union, lambda glyphs, size: masks_of(Layout(glyphs, size, layout.box))):
            with pytest.raises(UndrawableError):
                draw((first, gone), layout.size)


def test_an_arc_moves_the_ends_up_or_down():
    straight = laid("mmmmmmmmmm", **STRAIGHT)
    arched = laid("mmmmmmmmmm", 5, **(STRAIGHT | {"curve_prob": 1.0, "curve": 1.2}))

    def sag(layout):
        middles = [(glyph.box[1] + glyph.box[3]) / 2 for glyph in layout.glyphs]
        return abs(middles[0] + middles[-1] - middles[4] - middles[5]) / 2

    assert sag(straight) < 0.1
    assert sag(arched) > 1.5


def test_strokes_thinner_than_a_pixel_keep_a_mask():
    assert threshold(np.array([[3, 40, 60, 10]], np.uint8)).tolist() == [[False, True, True, False]]
    assert threshold(np.array([[127, 128, 255]], np.uint8)).tolist() == [[False, True, True]]
    assert not threshold(np.zeros((2, 2), np.uint8)).any()


def test_text_without_ink_is_refused():
    with pytest.raises(UndrawableError):
        laid("\u00a0 ")


def test_what_lies_outside_the_picture_covers_nothing():
    shape = np.full((4, 4), 255, np.uint8)
    away = np.array([[1, 0, 100.0], [0, 1, 0], [0, 0, 1]])
    assert cover(PlacedGlyph("x", shape, away, (100, 0, 104, 4)), (8, 8)) is None


def test_small_characters_stand_on_the_line_of_the_large_ones():
    def heights(small):
        config, font = RenderConfig(**STRAIGHT), open_font(BUILTIN_FONT, 64)
        draws = RandomChoices(np.random.default_rng(0))
        layout = place("HEH IH", font, config=config, draws=draws, margins=Margins(*[0.1] * 4), small=small)
        boxes = np.array([glyph.box for glyph in layout.glyphs])
        return layout.size, boxes[:, 3] - boxes[:, 1], boxes

    size, tall, boxes = heights(0.7)
    first = [True, False, False, True, False]  # the first of each word
    assert np.allclose(tall[first], tall[0], atol=1)
    assert np.allclose(tall[np.logical_not(first)], 0.7 * tall[0], atol=1)
    assert np.ptp(boxes[:, 3]) < 1
    assert (boxes[1:, 0] > boxes[:-1, 2] - 1).all()
    whole, level, _ = heights(1.0)
    assert np.ptp(level) < 1
    assert size[1] < whole[1]
