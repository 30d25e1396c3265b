import numpy as np
import pytest
from PIL import Image

import glyphsr
from glyphsr.errors import ConfigError, PictureError
from glyphsr.guard.guard import FALLBACK_GUARD_READER
from glyphsr.images.memory import to_picture
from glyphsr.images.reader import read_picture
from glyphsr.upscaling.upscaler import Upscaler

from ..conftest import draw_word

BOX = [10, 30, 100, 50]


@pytest.fixture(scope="module")
def upscaler(tiny_weights):
    return Upscaler(tiny_weights, device="cpu", strength=1.0, guard="off", draw="all")


@pytest.fixture(scope="module")
def page():
    picture = np.full((120, 160, 3), 220, np.uint8)
    word = draw_word("ROOM", 20)
    picture[30:50, 10 : 10 + word.shape[1]] = word
    return picture


def test_paths_arrays_and_pil_images_give_the_same_picture(upscaler, picture):
    with Image.open(picture) as file:
        image = file.copy()
    results = [upscaler(picture), upscaler(str(picture)), upscaler(image), upscaler(np.asarray(image))]
    assert [type(result.image) for result in results] == [Image.Image] * 3 + [np.ndarray]
    for result in results:
        assert np.array_equal(np.asarray(result), np.asarray(results[0]))
        assert (result.method, result.is_page, len(result.regions)) == ("network", False, 1)
        assert result.change > 0.1


def test_a_list_gives_a_list_and_batches_change_nothing(upscaler):
    images = [draw_word(text, 20) for text in ("one", "three", "a")]
    together = upscaler(images, text=["one", None, "a"])
    for image, text, result in zip(images, ("one", None, "a"), together, strict=True):
        assert np.allclose(upscaler(image, text=text).image, result.image, atol=1)
    assert upscaler([]) == []


@pytest.mark.parametrize("wrong", [{"text": "one"}, {"text": ["one"]}, {"boxes": [BOX]}])
def test_what_is_of_one_picture_is_refused_for_a_list(upscaler, wrong):
    with pytest.raises(ConfigError, match="text"):
        upscaler([draw_word("one", 20)] * 2, **wrong)


@pytest.mark.parametrize("box", [BOX, [[10, 30], [100, 30], [100, 50], [10, 50]], {"box": BOX, "text": "ROOM"}])
def test_lines_of_a_page_are_named_in_memory(upscaler, page, box):
    result = upscaler(page, boxes=[box], mode="page")
    assert result.is_page
    assert [line.box[0] for line in result.regions] == [(10, 30)]
    changed = np.abs(result.image.astype(int) - upscaler(page, boxes=[], mode="page").image).max(axis=2) > 2
    assert changed[60:100].any()
    assert not changed[140:].any()


def test_sizes_limits_and_notes(upscaler, page):
    assert upscaler(page, boxes=[BOX], width=80).image.shape == (60, 80, 3)
    left = upscaler(page, boxes=[BOX], max_text_height=10).regions[0]
    assert (left.method, left.note, left.reading) == ("lanczos", "larger than 10 pixels", None)
    with pytest.raises(ConfigError, match="min_text_height"):
        upscaler(page, min_text_height=9, max_text_height=8)
    with pytest.raises(ConfigError, match="mode"):
        upscaler(page, mode="pages")
    with pytest.raises(PictureError, match="No such file"):
        upscaler("nothing.png")


def test_the_result_is_written_in_any_format(upscaler, tmp_path):
    image = draw_word("SAVE", 20).astype(np.uint16) * 257
    result = upscaler(image)
    assert result.save(tmp_path / "a.png") == tmp_path / "a.png"
    assert np.array_equal(to_picture(result.image).rgb, read_picture(tmp_path / "a.png").rgb)
    result.save(tmp_path / "a.jpg", quality=80)
    with pytest.raises(FileExistsError):
        result.save(tmp_path / "a.jpg", overwrite=False)
    with pytest.raises(ConfigError, match="xyz"):
        result.save(tmp_path / "a.xyz")


def test_readings_before_and_after_come_with_the_result(tiny_weights):
    guarded = Upscaler(tiny_weights, device="cpu", guard="warn", guard_reader=FALLBACK_GUARD_READER)
    result = guarded(draw_word("Hotel", 32))
    (line,) = result.regions
    assert line.before.text == "Hotel"
    assert line.guard in ("kept", "warned")
    assert [reading.text for reading in result.readings] == [line.after.text]
    assert result.text == line.after.text


def test_read_gives_the_text_before_and_after(tiny_weights, tmp_path):
    path = tmp_path / "word.png"
    Image.fromarray(draw_word("Hotel", 32)).save(path)
    found = glyphsr.read(path, weights=tiny_weights, strength=0.0, reader=FALLBACK_GUARD_READER)
    assert (found.text, found.text_before, str(found)) == ("Hotel", "Hotel", "Hotel")
    assert (found.height, found.width) == draw_word("Hotel", 32).shape[:2]
    assert found.as_dict()["lines"][0]["before"] == "Hotel"


def test_lines_that_the_network_leaves_are_read_all_the_same(tiny_weights, page):
    found = glyphsr.read(page, boxes=[BOX], max_text_height=10, weights=tiny_weights, reader=FALLBACK_GUARD_READER)
    assert found.text == "ROOM"
    assert "larger than 10 pixels" in found.note
