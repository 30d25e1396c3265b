import io

import numpy as np
import pytest
from PIL import Image

from glyphsr.config.rendering import BUILTIN_FONT, RenderConfig
from glyphsr.data.rendering.backgrounds import _photograph, grounds_fingerprint
from glyphsr.data.rendering.clutter import Clutter, cover_clutter
from glyphsr.data.rendering.colours import coloured
from glyphsr.data.rendering.coverage import union
from glyphsr.data.rendering.random_choices import RandomChoices
from glyphsr.data.rendering.words import RUN, WordRenderer, _can_be_small_caps, render_words
from glyphsr.errors import DataError
from glyphsr.images.luma import LUMA
from glyphsr.text.charset import filter_lower

from ...helpers.fonts import font_of_capitals, whole_font
from .test_layout import STRAIGHT, laid

EVERYTHING = {
    "outline_prob": 0.5,
    "shadow_prob": 0.5,
    "bevel_prob": 0.5,
    "gradient_prob": 0.5,
    "worn_prob": 0.5,
    "clutter_prob": 0.7,
}


@pytest.fixture(scope="module")
def renderer():
    return WordRenderer(RenderConfig(fonts=(BUILTIN_FONT,), **EVERYTHING))


def test_a_number_gives_the_same_word_whoever_draws_it_and_when(renderer):
    other = WordRenderer(RenderConfig(fonts=(BUILTIN_FONT,), **EVERYTHING))
    late = [other.word(3, i) for i in (9, 2, 17)]
    for word, number in zip(late, (9, 2, 17), strict=True):
        same = renderer.word(3, number)
        assert word.text == same.text
        assert np.array_equal(word.image, same.image)
    assert len({renderer.word(seed, 9).image.tobytes() for seed in range(20)}) == 20


def test_words_are_legible_labelled_and_fit_for_pairs(renderer):
    for i in range(60):
        word = renderer.word(0, i, masks=True)
        height, width = word.image.shape[:2]
        assert (height, width % 2, word.image.dtype) == (32, 0, np.uint8)
        assert filter_lower(word.text)
        assert len(word.chars) == len("".join(word.text.split()))
        assert word.chars.any(axis=(1, 2)).all()
        assert word.image.std() > 3


def test_the_picture_is_the_same_with_and_without_masks(renderer):
    for i in range(20):
        assert np.array_equal(renderer.word(1, i).image, renderer.word(1, i, masks=True).image)


def test_ink_and_ground_differ_where_the_masks_say(renderer):
    """Masks and pictures belong together: brightness inside and around the masks is not the same."""
    apart = []
    plain = WordRenderer(RenderConfig(fonts=(BUILTIN_FONT,), clutter_prob=0.0, contrast=(0.4, 1.0)))
    for i in range(40):
        word = plain.word(2, i, masks=True)
        gray = word.image @ LUMA
        line = word.chars.any(axis=0)
        apart.append(abs(gray[line].mean() - gray[~line].mean()))
    assert np.median(apart) > 60
    shifted = [
        abs((w.image @ LUMA)[np.roll(m, 9, 1)].mean() - (w.image @ LUMA)[~np.roll(m, 9, 1)].mean())
        for w, m in ((word, word.chars.any(axis=0)) for word in (plain.word(2, i, masks=True) for i in range(40)))
    ]
    assert np.median(shifted) < 0.6 * np.median(apart)


def test_a_sample_has_a_mask_of_every_character_but_spaces(tmp_path):
    (tmp_path / "w.txt").write_text("it's 5%\n")
    (sample,) = render_words(RenderConfig(fonts=(BUILTIN_FONT,), words=(str(tmp_path / "w.txt"),)), 1)
    assert sample.label == "it's 5%"
    assert len(sample.chars) == len("it's5%")
    assert sample.chars.any(axis=(1, 2)).all()
    assert (sample.line == sample.chars.any(axis=0)).all()


def test_words_of_a_run_share_a_font_and_runs_do_not(tmp_path):
    for name in ("a", "b", "c", "d"):
        whole_font(tmp_path / f"{name}.ttf")
    renderer = WordRenderer(RenderConfig(fonts=(str(tmp_path),)))
    assert len(renderer.book) == 1  # copies
    fonts = WordRenderer(RenderConfig(fonts=(str(tmp_path), BUILTIN_FONT))).book
    assert len(fonts) == 1  # and the builtin font is the same again
    draws = [renderer.word(0, i) and renderer._run[1] for i in range(3 * RUN)]
    assert [len(set(draws[i * RUN : (i + 1) * RUN])) for i in range(3)] == [1, 1, 1]
    assert len(set(draws)) == 3


def test_what_reads_as_capitals_is_labelled_so(tmp_path):
    font_of_capitals(tmp_path / "caps.ttf")
    (tmp_path / "w.txt").write_text("Hotel\n")
    labels = [
        WordRenderer(RenderConfig(fonts=(font,), words=(str(tmp_path / "w.txt"),))).word(0, 0, masks=True).text
        for font in (str(tmp_path / "caps.ttf"), BUILTIN_FONT)
    ]
    assert labels == ["HOTEL", "Hotel"]


def test_grounds_come_from_photographs(tmp_path):
    pixels = np.zeros((60, 90, 3), np.uint8)
    pixels[:, ::2] = (255, 40, 40)  # stripes that no ground of ours has
    Image.fromarray(pixels).save(tmp_path / "p.png")
    common = {"fonts": (BUILTIN_FONT,), "gray_prob": 1.0, "noise": 0.0}
    with_photos = WordRenderer(RenderConfig(**common, backgrounds=str(tmp_path), background_prob=1.0))
    without = WordRenderer(RenderConfig(**common))

    def redness(renderer):
        return np.mean([np.ptp(renderer.word(0, i).image.astype(float), axis=2).mean() for i in range(10)])

    assert redness(without) < 2 < 10 < redness(with_photos)


@pytest.mark.parametrize("mode", ["L", "I;16", "F", "RGBA", "P", "1", "CMYK"])
def test_photographs_of_every_kind_keep_their_brightness(tmp_path, mode):
    ramp = np.tile(np.linspace(0, 1, 64, dtype=np.float32), (40, 1))
    name = "p.tif" if mode in ("I;16", "F", "CMYK") else "p.png"
    if mode == "I;16":
        Image.fromarray((ramp * 65535).astype(np.uint16)).save(tmp_path / name)
    elif mode == "F":
        Image.fromarray(ramp).save(tmp_path / name)
    else:
        Image.fromarray((ramp * 255).astype(np.uint8)).convert(mode).save(tmp_path / name)
    seen = _photograph(str(tmp_path / name)).astype(float)
    assert seen.shape == (40, 64, 3)
    assert 100 < seen.mean() < 155
    assert seen[:, 48:].mean() > seen[:, :16].mean() + 100


def test_a_damaged_photograph_is_named(tmp_path):
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (60, 60, 3), np.uint8)).save(buffer, "PNG")
    whole = buffer.getvalue()
    place = whole.index(b"IDAT") - 4
    size = int.from_bytes(whole[place : place + 4], "big") // 2  # the next part begins amid the pixels
    (tmp_path / "p.png").write_bytes(whole[:place] + size.to_bytes(4, "big") + whole[place + 4 :])
    with pytest.raises(DataError, match="not a readable picture for a ground: broken PNG file"):
        _photograph(str(tmp_path / "p.png"))


def test_equal_names_and_sizes_are_not_equal_photographs(tmp_path):
    found = []
    for colour in ((255, 0, 0), (0, 0, 255)):
        Image.new("RGB", (40, 40), colour).save(tmp_path / "p.bmp")
        found.append(grounds_fingerprint((str(tmp_path / "p.bmp"),)))
    assert found[0] != found[1]


def test_folders_of_photographs_that_cannot_be_used_are_named(tmp_path):
    def open_with(folder):
        return WordRenderer(RenderConfig(fonts=(BUILTIN_FONT,), backgrounds=str(folder), background_prob=1.0))

    with pytest.raises(DataError, match="no such folder of photographs"):
        open_with(tmp_path / "none")
    with pytest.raises(DataError, match="no pictures"):
        open_with(tmp_path)
    (tmp_path / "bad.jpg").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"bad\.jpg: not a readable picture"):
        open_with(tmp_path).render(np.random.default_rng(0))


@pytest.mark.parametrize("kind", ["line", "frame", "letters"])
@pytest.mark.parametrize("side", ["left", "top", "right", "bottom"])
@pytest.mark.parametrize("height", [8, 16, 64])
def test_clutter_is_seen_at_its_border_and_keeps_its_distance(kind, side, height):
    layout = laid("Hotel", margin=0.5, height=height, **STRAIGHT)
    for seed in range(5):
        clutter = Clutter(kind, side, gap=0.2, reach=0.25)
        seen = cover_clutter(clutter, layout, RandomChoices(np.random.default_rng(seed)))
        x0, y0, x1, y1 = layout.box
        near = 0.2 * (y1 - y0) - 1.5
        rows, columns = np.nonzero(seen > 0.2)
        assert len(rows) > 2
        outside = (rows < y0 - near) | (rows > y1 + near) | (columns < x0 - near) | (columns > x1 + near)
        assert outside.all()
        assert seen[union(layout.glyphs, layout.size) > 128].max() < 0.3


@pytest.mark.parametrize("luma", [0.05, 0.3, 0.6, 0.95])
@pytest.mark.parametrize("saturation", [0.0, 0.5, 1.0])
def test_colours_are_as_bright_as_asked_for(luma, saturation):
    for hue in (0.0, 0.15, 0.6):
        colour = coloured(hue, saturation, luma)
        assert float(LUMA @ colour) == pytest.approx(luma, abs=1e-5)
        assert 0 <= colour.min() <= colour.max() <= 1 + 1e-6


def test_fonts_that_draw_nothing_of_the_texts_end_in_one_line(tmp_path):
    (tmp_path / "w.txt").write_text("\u00a0-\n")
    renderer = WordRenderer(RenderConfig(fonts=(BUILTIN_FONT,), words=(str(tmp_path / "w.txt"),)))
    renderer.book.able("-").clear()
    with pytest.raises(DataError, match="cannot be seen in 50 draws at height 32"):
        renderer.render(np.random.default_rng(0))


def test_small_capitals_are_labelled_as_capitals_and_masked():
    texts = {"text": {"upper": 0, "capitalised": 1, "lower": 0, "mixed": 0, "code": 0, "plate": 0, "address": 0}}
    config = RenderConfig.model_validate({"fonts": (BUILTIN_FONT,), "small_caps_prob": 1.0, **STRAIGHT, **texts})
    words = [word for word in (WordRenderer(config).word(1, i, masks=True) for i in range(30)) if word.text.isalpha()]
    assert len(words) > 10
    for word in words:
        assert word.text == word.text.upper()
        if len(word.text) > 1 and not {"J", "Q"} & set(word.text):
            tall = [int(np.ptp(np.flatnonzero(mask.any(axis=1)))) for mask in word.chars]
            assert max(tall[1:]) < 0.95 * tall[0], word.text


def test_only_plain_words_are_drawn_in_small_capitals():
    assert [
        _can_be_small_caps(text) for text in ("Hotel", "The End", "K9", "12 Main St", '"Hotel"', "A", "HOTEL", "hotel")
    ] == [
        *(True, True),
        *[False] * 6,
    ]
