import numpy as np
import pytest
from PIL import Image

from glyphsr.images.memory import like, to_picture

from ..conftest import draw_word

RGB = draw_word("RGB", 20)


@pytest.mark.parametrize(
    "array",
    [
        RGB,
        RGB[..., 0],
        RGB[..., :1],
        np.dstack([RGB[..., 0], RGB[..., 1]]),
        np.dstack([RGB, RGB[..., 0]]),
        RGB.astype(np.uint16) * 257,
        RGB.astype(np.float64) / 255,
        RGB[..., 0] > 128,
    ],
    ids=["rgb", "gray", "one channel", "gray+alpha", "rgba", "uint16", "float64", "bool"],
)
def test_arrays_come_back_as_they_were(array):
    back = like(array, to_picture(array))
    assert (back.dtype, back.shape) == (array.dtype, array.shape)
    assert np.allclose(back.astype(float), array.astype(float), atol=1e-6)


@pytest.mark.parametrize(
    ("mode", "back"), [("RGB", "RGB"), ("L", "L"), ("RGBA", "RGBA"), ("LA", "LA"), ("CMYK", "RGB"), ("1", "L")]
)
def test_pil_images_keep_their_channels(mode, back):
    image = Image.fromarray(RGB).convert("L" if mode == "LA" else "RGB").convert(mode)
    assert like(image, to_picture(image)).mode == back


def test_a_palette_keeps_its_transparency_and_a_photograph_is_turned_upright():
    palette = Image.fromarray(RGB).convert("P")
    palette.info["transparency"] = 0
    assert to_picture(palette).alpha is not None

    lying = Image.fromarray(RGB)
    lying.getexif()[0x0112] = 6
    assert to_picture(lying).rgb.shape == (RGB.shape[1], RGB.shape[0], 3)


@pytest.mark.parametrize("image", [RGB.astype(float), np.full((4, 4), np.nan), RGB.transpose(2, 0, 1), RGB.astype(int)])
def test_arrays_on_another_scale_or_with_channels_first_are_refused(image):
    with pytest.raises(ValueError, match="expected"):
        to_picture(image)


def test_what_is_no_picture_is_named():
    with pytest.raises(TypeError, match="list"):
        to_picture([[1, 2]])
