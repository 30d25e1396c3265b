import numpy as np

from glyphsr.extraction.extract import extract_glyphs
from glyphsr.types import Sample
from glyphsr.viz.glyph_sheet import glyph_sheet, overlay

from ..helpers.drawn_words import draw_glyphs


def test_masks_are_coloured_and_the_rest_is_gray():
    image, masks = draw_glyphs("ab", gap=6)
    shown = overlay(image, masks)
    assert shown.shape == image.shape
    spread = shown.max(axis=2).astype(int) - shown.min(axis=2)
    assert spread[masks[0]].min() > 60
    assert not np.array_equal(np.median(shown[masks[0]], axis=0), np.median(shown[masks[1]], axis=0))
    assert spread[~masks.any(axis=0)].max() <= 1


def test_a_sheet_holds_good_rejected_and_odd_words():
    words = []
    for text, label in (("oak", "oak"), ("exit", ""), ("a", "a")):
        image, _ = draw_glyphs(text)
        words.append((Sample("train/000001", image, label), extract_glyphs(image, label, segmenter="ink")))
    tall = np.full((300, 4, 3), 90, np.uint8)
    words.append((Sample("folder/tall.png", tall, "a"), extract_glyphs(tall, "a", segmenter="ink")))
    sheet = glyph_sheet([*words, words[0]])
    one = glyph_sheet(words[:1])
    assert sheet.shape[0] > 1.8 * one.shape[0]
    assert sheet.shape[1] == one.shape[1]
