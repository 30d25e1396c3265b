"""Lines of many tiles are read once, as a whole; each word is known with its place."""

import numpy as np
import pytest

from glyphsr.upscaling.line import Line
from glyphsr.upscaling.upscaler import Upscaler

from ..conftest import draw_word

TEXT = "Reduce your risk of infection by washing hands"


@pytest.fixture(scope="module")
def upscaler():
    return Upscaler(device="cpu", guard="off")


def test_a_long_line_is_read_once_with_its_spaces(upscaler):
    picture = draw_word(TEXT, 24).astype(np.float32) / 255
    found = upscaler.upscale_lines([Line(picture, (48, 2 * picture.shape[1]))])[0]
    assert len(found.plan.starts) > 2
    assert found.reading.text == TEXT
    starts = [word.start for word in found.words]
    assert starts == sorted(starts)
    assert 0 <= starts[0] < found.words[-1].stop <= picture.shape[1]
    # A word of so many letters has about that share of the line.
    longest = max(found.words, key=lambda word: len(word.text))
    share = (longest.stop - longest.start) / picture.shape[1]
    assert share == pytest.approx(len(longest.text) / len(TEXT), abs=0.08)


def test_a_long_line_can_be_given_its_text(upscaler):
    picture = draw_word(TEXT, 24).astype(np.float32) / 255
    size = (48, 2 * picture.shape[1])
    own, given = upscaler.upscale_lines([Line(picture, size), Line(picture, size, text=TEXT.upper())])
    assert np.abs(own.rgb - given.rgb).mean() > 1e-4
    assert given.reading.text == TEXT  # what is read is reported, whatever is drawn
