import io
import struct
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms
from PIL.Image import Exif

from glyphsr.errors import ConfigError, PictureError
from glyphsr.images.reader import Picture, decode_picture, read_picture
from glyphsr.images.writer import encode_picture, picture_format

from ..conftest import draw_word

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def saved(image, format_name="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, format_name, **options)
    return buffer.getvalue()


def test_a_picture_just_above_the_limit_is_named_with_its_size(monkeypatch):
    monkeypatch.setenv("GLYPHSR_MAX_PICTURE_PIXELS", "2000000")
    with pytest.raises(PictureError, match="1501 x 1500 pixels; at most 2,000,000"):
        decode_picture(saved(Image.new("L", (1501, 1500))), "x")


@pytest.mark.parametrize(("mode", "most"), [("RGB", 64_000), ("RGBA", 16_000), ("opaque", 64_000), ("I;16", 32_000)])
def test_pictures_that_take_more_memory_may_have_fewer_pixels(mode, most, monkeypatch):
    monkeypatch.setenv("GLYPHSR_MAX_PICTURE_PIXELS", "64000")
    image = Image.new("RGBA", (most // 100 + 1, 100), (9, 9, 9, 255 if mode == "opaque" else 128))
    image = image if mode in ("RGBA", "opaque") else image.convert("L" if mode == "I;16" else mode)
    image = Image.fromarray(np.asarray(image).astype(np.uint16) * 257) if mode == "I;16" else image
    decode_picture(saved(image.crop((0, 0, most // 100, 100))), "x")
    with pytest.raises(PictureError, match=r"GLYPHSR_MAX_PICTURE_PIXELS sets the limit"):
        decode_picture(saved(image), "x")


@pytest.mark.parametrize("format_name", ["PNG", "JPEG", "TIFF"])
@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_pixels_come_and_go_a_few_rows_at_a_time(mode, format_name, monkeypatch):
    image = Image.fromarray(draw_word("rows", 40)).convert(mode)
    if mode.endswith("A"):
        image.putalpha(Image.linear_gradient("L").resize(image.size))
    encoded = saved(image)
    picture = decode_picture(encoded, "x")
    whole = encode_picture(picture, format_name)
    monkeypatch.setattr("glyphsr.images.pil_pixels.BAND", 7)
    monkeypatch.setattr("glyphsr.images.writer.BAND", 7)
    assert np.array_equal(decode_picture(encoded, "x").rgb, picture.rgb)
    assert encode_picture(picture, format_name) == whole


def again(picture, format_name="PNG"):
    return decode_picture(encode_picture(picture, format_name), "again")


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "LA", "P", "1"])
def test_modes_survive_a_round_trip(mode):
    image = Image.fromarray(draw_word("MODE")).convert("RGBA" if mode == "RGBA" else "RGB").convert(mode)
    picture = decode_picture(saved(image), "x")
    assert picture.gray == (mode in ("L", "LA", "1"))
    assert (picture.alpha is not None) == (mode in ("RGBA", "LA"))
    back = again(picture)
    assert np.allclose(back.rgb, picture.rgb, atol=1 / 255)
    assert back.gray == picture.gray
    written = Image.open(io.BytesIO(encode_picture(picture, "PNG")))
    assert written.mode == {"P": "RGB", "1": "L"}.get(mode, mode)


def test_a_transparent_palette_becomes_alpha():
    image = Image.fromarray(draw_word("GIF")).convert("P")
    picture = decode_picture(saved(image, "GIF", transparency=int(np.asarray(image)[0, 0])), "x")
    assert picture.alpha is not None
    assert picture.alpha.min() == 0


@pytest.mark.parametrize("format_name", ["PNG", "TIFF"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_sixteen_bits_survive(format_name, channels):
    values = np.arange(16 * 24 * channels, dtype=np.uint16).reshape(16, 24, channels) * 37
    picture = decode_picture(saved(Image.fromarray(draw_word("x", 16))), "x")
    rgb = np.repeat(values[..., :1], 3, 2) if channels < 3 else values[..., :3]
    alpha = values[..., -1].astype(np.float32) / 65535 if channels in (2, 4) else None
    picture = type(picture)(
        rgb.astype(np.float32) / 65535, alpha, gray=channels < 3, bits=16, icc_profile=SRGB, dpi=(300.0, 300.0)
    )
    encoded = encode_picture(picture, format_name)
    back = decode_picture(encoded, "x")
    assert (back.bits, back.gray) == (16, channels < 3)
    assert np.array_equal(np.round(back.rgb * 65535), rgb)
    if alpha is not None:
        assert np.array_equal(np.round(back.alpha * 65535), values[..., -1])
    assert back.icc_profile == SRGB
    assert back.dpi == pytest.approx((300, 300), abs=0.1)


@pytest.mark.parametrize("format_name", ["PNG", "JPEG", "TIFF", "WEBP"])
def test_profile_and_resolution_are_kept(format_name):
    image = Image.fromarray(draw_word("ICC"))
    picture = decode_picture(saved(image, "PNG", icc_profile=SRGB, dpi=(144, 144)), "x")
    back = again(picture, format_name)
    assert back.icc_profile == SRGB
    if format_name != "WEBP":  # has no resolution field of its own
        assert back.dpi == pytest.approx((144, 144), abs=0.1)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("bits", [8, 16])
def test_exif_orientation_is_applied_and_gone(orientation, bits):
    pixels = np.zeros((4, 6), np.uint16 if bits == 16 else np.uint8)
    pixels[0, 0] = pixels[0, 1] = np.iinfo(pixels.dtype).max
    exif = Exif()
    exif[0x0112] = orientation
    image = Image.fromarray(pixels)
    picture = decode_picture(saved(image, "PNG", exif=exif), "x")
    upright = {1: (0, 1), 2: (0, 4), 3: (3, 4), 4: (3, 1), 5: (1, 0), 6: (1, 3), 7: (4, 3), 8: (4, 0)}
    bright = picture.rgb[..., 0] > 0.5
    corner = {1: (0, 0), 2: (0, 5), 3: (3, 5), 4: (3, 0), 5: (0, 0), 6: (0, 3), 7: (5, 3), 8: (5, 0)}[orientation]
    assert picture.rgb.shape[:2] == ((4, 6) if orientation < 5 else (6, 4))
    assert bright.sum() == 2
    assert bright[corner]
    assert bright[upright[orientation]]
    assert Image.open(io.BytesIO(encode_picture(picture, "PNG"))).getexif().get(0x0112, 1) == 1


def test_cmyk_jpeg_becomes_rgb():
    image = Image.fromarray(draw_word("CMYK"))
    picture = decode_picture(saved(image.convert("CMYK"), "JPEG", quality=95), "x")
    assert not picture.gray
    assert np.abs(picture.rgb - np.asarray(image, np.float32) / 255).mean() < 0.05
    broken = decode_picture(saved(image.convert("CMYK"), "JPEG", icc_profile=b"no profile"), "x")
    assert broken.icc_profile is None


def test_formats_drop_what_they_cannot_hold():
    rgba = np.dstack([np.zeros((8, 8, 3), np.uint8), np.zeros((8, 8), np.uint8)])
    picture = decode_picture(saved(Image.fromarray(rgba)), "x")
    assert again(picture, "JPEG").rgb.min() > 0.98  # nothing but transparency over white
    with pytest.raises(ConfigError, match=r"\.xyz: not a picture format we write"):
        picture_format(".xyz")


def tiff(values, **options):
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, values, **options)
    return buffer.getvalue()


def test_sixteen_bit_tiffs_of_every_layout():
    red = np.zeros((8, 12, 3), np.uint16)
    red[..., 0] = 65535
    planes = tiff(np.ascontiguousarray(red.transpose(2, 0, 1)), photometric="rgb", planarconfig="separate")
    for encoded in (tiff(red, photometric="rgb"), planes):
        assert np.array_equal(decode_picture(encoded, "x").rgb, red / np.float32(65535))
    white = decode_picture(tiff(np.zeros((8, 12), np.uint16), photometric="miniswhite"), "x")
    assert white.rgb.min() == 1
    cmyk = np.zeros((8, 12, 4), np.uint16)
    cmyk[..., 0] = 65535
    cyan = decode_picture(tiff(cmyk, photometric="separated"), "x")
    assert np.array_equal(cyan.rgb[0, 0], [0, 1, 1])
    turned = tiff(red, photometric="rgb", extratags=[(274, "H", 1, 6, True)])
    assert decode_picture(turned, "x").rgb.shape == (12, 8, 3)


@pytest.mark.parametrize(("value", "dtype", "level"), [(40000, np.int32, 0.61), (0.5, np.float32, 0.5)])
def test_wide_grey_pictures_keep_their_levels(value, dtype, level):
    picture = decode_picture(saved(Image.fromarray(np.full((8, 8), value, dtype)), "TIFF"), "x")
    assert (picture.bits, picture.gray) == (16, True)
    assert picture.rgb.mean() == pytest.approx(level, abs=0.01)


def test_resolution_turns_with_the_picture():
    exif = Exif()
    exif[0x0112] = 6
    picture = decode_picture(saved(Image.new("RGB", (6, 4)), "JPEG", exif=exif, dpi=(100, 200)), "x")
    assert picture.dpi == (200, 100)


def test_a_broken_tiff_is_one_clear_error(capfd):
    whole = tiff(np.zeros((8, 12, 3), np.uint16), photometric="rgb")
    for cut in range(8, len(whole), 16):
        with pytest.raises(PictureError):
            decode_picture(whole[:cut], "x.tif")
    assert capfd.readouterr().err == ""


def header_bomb():
    def chunk(name, content):
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


PNG = saved(Image.fromarray(draw_word("damaged")))
JPEG = saved(Image.fromarray(draw_word("damaged")), "JPEG")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"hello, I am text", "not a readable picture"),
        (PNG[: len(PNG) // 2], "damaged picture"),
        (JPEG[: len(JPEG) // 2], "damaged picture"),
        (PNG[:20], "damaged picture|not a readable picture"),
        (header_bomb(), "30000 x 30000 pixels; at most 64,000,000"),
    ],
    ids=["empty", "text", "half png", "half jpeg", "png header", "bomb"],
)
def test_damaged_files_are_one_clear_error(content, message):
    with pytest.raises(PictureError, match=message) as caught:
        decode_picture(content, "word.png")
    assert str(caught.value).startswith("word.png: ")
    assert "\n" not in str(caught.value)


def test_missing_and_unreadable_files(tmp_path):
    with pytest.raises(PictureError, match="No such file"):
        read_picture(tmp_path / "no.png")
    with pytest.raises(PictureError, match="a folder"):
        read_picture(tmp_path)


@pytest.mark.parametrize(("bits", "most"), [(8, 255), (16, 65535)])
def test_tall_pictures_are_rounded_and_clipped_to_their_last_row(bits, most):
    rgb = np.random.default_rng(0).uniform(-0.2, 1.2, (700, 3, 3)).astype(np.float32)
    back = decode_picture(encode_picture(Picture(rgb, bits=bits), "PNG"), "tall")
    expected = np.floor(rgb.clip(0, 1) * np.float32(most) + np.float32(0.5)) / most
    assert np.allclose(back.rgb, expected, atol=0.01 / most)
