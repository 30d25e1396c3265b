"""Transparent pictures are looked at on a ground and come back transparent."""

import io

import numpy as np
import pytest
from PIL import Image

from glyphsr.images.reader import Picture, decode_picture
from glyphsr.images.resize import resize
from glyphsr.images.transparency import as_seen, enlarged, ground_of
from glyphsr.images.writer import encode_picture

from ..conftest import draw_word


def letters(colour):
    ink = 1 - draw_word("Hotel", 20).mean(axis=2).astype(np.float32) / 255
    ink = (ink - ink.min()) / (ink.max() - ink.min())
    return Picture(np.broadcast_to(np.float32(colour), (*ink.shape, 3)).copy(), ink)


def over(picture, ground):
    alpha = picture.alpha[..., None]
    return picture.rgb * alpha + ground * (1 - alpha)


def test_black_letters_on_clear_look_like_black_letters_on_white():
    picture = letters((0, 0, 0))
    assert ground_of(picture) == 1.0
    assert np.allclose(as_seen(picture), 1 - picture.alpha[..., None])


@pytest.mark.parametrize("colour", [(0, 0, 0), (0.8, 0.1, 0.1), (1, 1, 1)])
def test_a_sharpened_shape_stays_in_the_opacity(colour):
    picture = letters(colour)
    seen = resize(as_seen(picture), (40, 2 * picture.alpha.shape[1]))
    sharp = np.clip(1.5 * (seen - seen.mean()) + seen.mean(), 0, 1)
    larger = enlarged(picture, sharp)
    assert np.abs(over(larger, ground_of(picture)) - sharp).mean() < 0.06
    assert np.abs(larger.rgb - np.float32(colour)).max() < 0.05  # no fringe on any other ground


def test_white_letters_on_clear_show_nothing_on_white():
    picture = letters((1, 1, 1))
    picture.rgb[picture.alpha == 0] = 0  # as optimisers of PNG leave it
    assert ground_of(picture) == 0.0
    noise = np.random.default_rng(0).normal(0, 0.05, as_seen(picture).shape).astype(np.float32)
    larger = enlarged(picture, (as_seen(picture) + noise).clip(0, 1))
    assert over(larger, 1.0).min() > 0.98


def test_an_opaque_part_takes_the_change_in_its_colour():
    rng = np.random.default_rng(0)
    alpha = np.zeros((20, 40), np.float32)
    alpha[3:17, 5:35] = 1
    picture = Picture(rng.random((20, 40, 3), np.float32), alpha)
    seen = resize(as_seen(picture), (40, 80)).clip(0, 1)
    larger = enlarged(picture, seen)
    assert np.abs(over(larger, 1.0) - seen).mean() < 0.005
    assert larger.alpha[10:30, 14:66].min() == 1.0


def test_an_opaque_picture_is_left_as_it_is():
    picture = Picture(draw_word("Hotel", 16).astype(np.float32) / 255)
    assert as_seen(picture) is picture.rgb
    assert enlarged(picture, picture.rgb).alpha is None


def test_an_alpha_that_hides_nothing_changes_no_pixel():
    pixels = draw_word("screen")
    encoded = io.BytesIO()
    Image.fromarray(pixels).convert("RGBA").save(encoded, "PNG")
    picture = decode_picture(encoded.getvalue(), "x")
    assert as_seen(picture) is picture.rgb
    seen = resize(picture.rgb, (50, 170)).clip(0, 1)
    written = np.asarray(Image.open(io.BytesIO(encode_picture(enlarged(picture, seen), "PNG"))))
    assert written.shape == (50, 170, 4)
    assert written[..., 3].min() == 255
    assert np.array_equal(written[..., :3], (seen * 255 + 0.5).astype(np.uint8))
