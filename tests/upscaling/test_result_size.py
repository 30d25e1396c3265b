"""What is too large for the memory, by arrays that take none."""

import numpy as np
import pytest

from glyphsr.errors import PictureError
from glyphsr.images.reader import Picture
from glyphsr.images.transparency import opaque
from glyphsr.upscaling.result_size import check_result


def of_size(height, width, **known):
    return Picture(np.broadcast_to(np.float32(0.5), (height, width, 3)), **known)


def enlarged(picture, scale):
    height, width = picture.rgb.shape[:2]
    return int(height * scale), int(width * scale)


@pytest.mark.parametrize(
    ("size", "scale"), [((4000, 6000), 1.2), ((4912, 7360), 1), ((3464, 4618), 1.9), ((8000, 8000), 0.44)]
)
def test_photographs_are_processed_as_they_come(size, scale):
    picture = of_size(*size)
    check_result(picture, enlarged(picture, scale), "photo.jpg")


@pytest.mark.parametrize(
    ("known", "size", "said"),
    [
        ({}, (8000, 8000), "--scale 0.44"),
        ({}, (3000, 4000), "--scale 2.3"),
        ({"bits": 16}, (4000, 4000), "--scale 1.18"),
        ({"alpha": np.broadcast_to(np.float32(0.5), (2000, 3000))}, (2000, 3000), "--scale 1.48"),
    ],
)
def test_what_is_refused_names_the_factor_and_the_limit_that_would_do(known, size, said, monkeypatch):
    picture = of_size(*size, **known)
    with pytest.raises(PictureError, match=said) as refused:
        check_result(picture, enlarged(picture, 4), "photo.jpg")
    factor, limit = str(refused.value).partition("--scale ")[2].split(", or set GLYPHSR_MAX_PICTURE_PIXELS=")
    check_result(picture, enlarged(picture, float(factor)), "photo.jpg")
    with pytest.raises(PictureError):
        check_result(picture, enlarged(picture, float(factor) + 0.02), "photo.jpg")
    monkeypatch.setenv("GLYPHSR_MAX_PICTURE_PIXELS", limit)
    check_result(picture, enlarged(picture, 4), "photo.jpg")


def test_an_alpha_that_hides_nothing_counts_for_nothing():
    check_result(of_size(4912, 7360, alpha=opaque((4912, 7360))), (4912, 7360), "screenshot.png")
