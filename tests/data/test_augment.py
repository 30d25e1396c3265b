"""Real words in parts, in another order, at other angles, in other colours."""

import numpy as np
import pytest

from glyphsr.data.augment import character_columns, color_jitter, recombine, warp
from glyphsr.types import Sample


def word(text: str = "oPe7", gap: int = 2) -> Sample:
    """Each character a bar of its own brightness, six columns wide."""
    step, margin = 6 + gap, abs(gap)
    hr = np.full((10, step * (len(text) - 1) + 6 + 2 * margin, 3), 255, np.uint8)
    chars = np.zeros((len(text), *hr.shape[:2]), bool)
    for i in range(len(text)):
        x = margin + step * i
        hr[2:8, x : x + 6] = 10 * (i + 1)
        chars[i, 2:8, x : x + 6] = True
    return Sample("w", hr, text, line=chars.any(axis=0), chars=chars)


TALL = word("oP").chars.repeat(9, axis=1)


def shown(sample: Sample) -> str:
    """What the bars under the masks say, by their brightness in the word they come from."""
    return "".join("oPe7"[int(sample.hr[mask].mean()) // 10 - 1] for mask in sample.chars)


def test_cells_are_cut_between_characters():
    assert character_columns(word(gap=2).chars) == [(0, 9), (9, 17), (17, 25), (25, 34)]
    touching = word(gap=0)
    assert character_columns(touching.chars) == [(0, 6), (6, 12), (12, 18), (18, 24)]
    wide = touching.chars.copy()
    wide[0, 2:8, 6:9] = True  # the first reaches half-way into the second
    assert character_columns(wide) is None
    assert character_columns(touching.chars[::-1]) is None


def test_remixed_words_say_what_their_label_says():
    rng = np.random.default_rng(0)
    labels = set()
    for _ in range(60):
        mixed = recombine(word(), rng)
        assert shown(mixed) == mixed.label
        assert mixed.hr.shape[:2] == mixed.line.shape == mixed.chars.shape[1:]
        assert (mixed.line == mixed.chars.any(axis=0)).all()
        assert mixed.chars.any(axis=(1, 2)).all()
        labels.add(mixed.label)
    runs = {label for label in labels if label in "oPe7"}
    assert {"oP", "Pe", "oPe"} <= runs
    assert labels - runs  # and some in another order
    assert all(2 <= len(label) <= 4 for label in labels)


@pytest.mark.parametrize(("text", "gap"), [("oPe7", -1), ("oPe7oPe7oPe7", 0), ("oP", 4)])
def test_close_long_and_short_words_are_remixed(text, gap):
    rng = np.random.default_rng(0)
    labels = set()
    for _ in range(40):
        mixed = recombine(word(text, gap), rng)
        assert len(mixed.chars) == len(mixed.label)
        assert mixed.hr.shape[:2] == mixed.line.shape == mixed.chars.shape[1:]
        assert not (mixed.chars.any(axis=0) & ~mixed.line).any()
        assert mixed.hr.shape[1] >= mixed.hr.shape[0]
        for char, mask in zip(mixed.label, mixed.chars, strict=True):
            values = np.bincount(mixed.hr[mask].ravel())
            assert values.argmax() in [10 * (i + 1) for i, own in enumerate(text) if own == char]
        labels.add(mixed.label)
    assert len(labels - {text}) > (0 if len(text) == 2 else 4)


@pytest.mark.parametrize(
    "sample",
    [
        Sample("w", word().hr, "oPe7"),
        Sample("w", word().hr, "oPe-", line=word().line, chars=word().chars[:3]),
        Sample("w", word().hr, "oPe", line=word().line, chars=word().chars),
        Sample("w", word().hr, "o", line=word().line, chars=word().chars[:1]),
        Sample("w", word("oP").hr.repeat(9, axis=0), "oP", line=word("oP").line.repeat(9, axis=0), chars=TALL),
    ],
    ids=["no masks", "a mark without a mask", "another text's masks", "one character", "narrower than high"],
)
def test_what_cannot_be_taken_apart_stays(sample):
    assert recombine(sample, np.random.default_rng(0)) is sample


def test_other_colours_keep_the_strokes():
    rng = np.random.default_rng(0)
    image = np.empty((12, 30, 3), np.uint8)
    image[:6] = (10, 40, 70)
    image[6:] = (180, 210, 240)
    negatives, orders = 0, set()
    for _ in range(40):
        coloured = color_jitter(image, rng)
        assert coloured.dtype == np.uint8
        assert coloured.shape == image.shape
        upper, lower = float(coloured[:6].mean()), float(coloured[6:].mean())
        assert abs(upper - lower) > 60
        negatives += upper > lower
        spread = coloured[:6].reshape(-1, 3)
        assert (spread == spread[0]).all()  # strokes stay strokes
        orders.add(tuple(np.argsort(coloured[0, 0])))
    assert len(orders) > 3  # channels change places
    assert 5 < negatives < 30
    assert not np.array_equal(
        color_jitter(image, np.random.default_rng(1)), color_jitter(image, np.random.default_rng(2))
    )


def test_distorted_words_keep_their_text_and_their_masks_on_their_strokes():
    rng, source = np.random.default_rng(0), word(gap=4)
    large = Sample(
        "w",
        source.hr.repeat(4, axis=0).repeat(4, axis=1),
        source.label,
        lr=source.hr,
        line=source.line.repeat(4, axis=0).repeat(4, axis=1),
        chars=source.chars.repeat(4, axis=1).repeat(4, axis=2),
    )
    widths, moved = set(), 0
    for _ in range(40):
        seen = warp(large, rng)
        assert (seen.label, seen.lr, seen.hr.dtype, seen.chars.dtype) == (large.label, None, np.uint8, np.bool_)
        assert seen.hr.shape[0] == large.hr.shape[0]
        assert seen.hr.shape[:2] == seen.line.shape == seen.chars.shape[1:]
        for i, mask in enumerate(seen.chars):
            # Halves of pixels at the edges of strokes are of both colours.
            assert np.median(seen.hr[mask]) == 10 * (i + 1)
        widths.add(seen.hr.shape[1])
        moved += not np.array_equal(seen.hr, large.hr)
    assert min(widths) < 0.9 * large.hr.shape[1] < 1.1 * large.hr.shape[1] < max(widths)
    assert moved == 40
    assert np.array_equal(warp(large, np.random.default_rng(1)).hr, warp(large, np.random.default_rng(1)).hr)


def test_without_any_distortion_a_word_stays_where_it_is(monkeypatch):
    for name in ("CROP", "JITTER", "SLANT", "BULGE"):
        monkeypatch.setattr(f"glyphsr.data.augment.{name}", 0.0)
    monkeypatch.setattr("glyphsr.data.augment.STRETCH", 1.0)
    source = word()
    seen = warp(source, np.random.default_rng(0))
    assert np.array_equal(seen.hr, source.hr)
    assert np.array_equal(seen.chars, source.chars)
    assert warp(Sample("w", source.hr, source.label), np.random.default_rng(0)).chars is None


def test_no_character_is_distorted_out_of_its_word(monkeypatch):
    monkeypatch.setattr("glyphsr.data.augment.CROP", 2.0)
    source, rng = word(), np.random.default_rng(0)
    seen = [warp(source, rng) for _ in range(60)]
    assert all(own.chars.any(axis=(1, 2)).all() for own in seen)
    kept = [own is source for own in seen]
    assert any(kept)
    assert not all(kept)
