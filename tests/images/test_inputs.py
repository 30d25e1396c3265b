"""Pictures as people have them: phones, scanners, laboratories, broken copies."""

import io
import struct
import time

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from glyphsr.errors import ConfigError, PictureError
from glyphsr.images.documents import count_pages, parse_pages
from glyphsr.images.reader import decode_picture
from glyphsr.images.tiff import by_range
from glyphsr.images.writer import encode_picture

from ..conftest import draw_word

WORD = draw_word("Hotel", 32)
IMAGE = Image.fromarray(np.vstack([WORD, 255 - WORD, WORD]))


def saved(image, format_name, **options):
    buffer = io.BytesIO()
    image.save(buffer, format_name, **options)
    return buffer.getvalue()


def taken_with_a_camera():
    exif = Image.Exif()
    exif[271], exif[306], exif[274] = "Maker", "2020:01:02 03:04:05", 6
    exif.get_ifd(0x8769)[0x9003] = "2020:01:02 03:04:05"
    exif.get_ifd(0x8769)[0xA002] = 9999
    return exif


@pytest.mark.parametrize("format_name", ["HEIF", "AVIF"])
def test_pictures_of_phones(format_name):
    if format_name == "HEIF":
        pytest.importorskip("pillow_heif").register_heif_opener()
    picture = decode_picture(saved(IMAGE, format_name, quality=95), "x")
    assert picture.rgb.shape[:2] == (IMAGE.height, IMAGE.width)
    assert np.abs(picture.rgb - np.asarray(IMAGE) / 255).mean() < 0.02


@pytest.mark.parametrize("source", ["JPEG", "TIFF", "PNG"])
@pytest.mark.parametrize(("target", "bits"), [("PNG", 8), ("PNG", 16), ("JPEG", 8), ("WEBP", 8), ("TIFF", 8)])
def test_date_and_maker_stay_and_orientation_is_applied(source, target, bits):
    picture = decode_picture(saved(IMAGE, source, exif=taken_with_a_camera()), "x")
    assert picture.rgb.shape[:2] == (IMAGE.width, IMAGE.height)
    written = Image.open(io.BytesIO(encode_picture(type(picture)(**vars(picture) | {"bits": bits}), target)))
    exif = written.getexif()
    assert (exif[271], exif[306], exif.get(274, 1)) == ("Maker", "2020:01:02 03:04:05", 1)
    if source != "TIFF":
        assert exif.get_ifd(0x8769)[0x9003] == "2020:01:02 03:04:05"
    assert 0xA002 not in exif.get_ifd(0x8769)


@pytest.mark.parametrize("dtype", ["int16", "int32", "uint32", "float16", "float32", "float64"])
@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_tiffs_of_laboratories_go_by_their_range(dtype, colour, compression):
    pixels = np.asarray(IMAGE if colour else IMAGE.convert("L"))
    buffer, kind = io.BytesIO(), "rgb" if colour else "minisblack"
    tifffile.imwrite(buffer, pixels.astype(dtype), compression=compression, photometric=kind)
    picture = decode_picture(buffer.getvalue(), "x")
    assert picture.bits == 16
    assert picture.gray != colour
    assert np.allclose(picture.rgb, (pixels if colour else pixels[..., None]) / 255, atol=1 / 255)


def test_a_range_below_zero_and_one_beyond_sixteen_bits():
    assert by_range(np.array([-1.0, 0.0, 1.0], np.float32)).tolist() == [0.0, 0.5, 1.0]
    assert by_range(np.array([0, 100_000], np.int32)).tolist() == [0.0, 1.0]
    assert by_range(np.array([0.0, np.nan, 0.5, np.inf], np.float32)).tolist() == [0.0, 0.0, 0.5, 0.0]


def test_sixteen_bits_of_colour_packed_by_lzw():
    wide = np.asarray(IMAGE).astype(np.uint16) * 257
    encoded = cv2.imencode(".tif", wide[..., ::-1])[1].tobytes()  # LZW is what cv2 writes
    picture = decode_picture(encoded, "x")
    assert picture.bits == 16
    assert np.array_equal(np.round(picture.rgb * 65535), wide)


@pytest.mark.parametrize(
    ("format_name", "cut", "said"),
    [
        ("JPEG", 2, "all of the picture is there"),
        ("JPEG", 100, "rows are missing"),
        ("PNG", 400, "rows are missing"),
        ("BMP", 30, "cut at its end"),
        ("WEBP", 30, "cut at its end"),
        ("TIFF", 30, "cut at its end"),
    ],
)
def test_a_file_cut_at_its_end_is_shown_and_said(format_name, cut, said):
    noisy = np.asarray(IMAGE).astype(int) + np.random.default_rng(0).integers(-20, 20, np.asarray(IMAGE).shape)
    whole = saved(Image.fromarray(noisy.clip(0, 255).astype(np.uint8)), format_name)
    picture, complete = decode_picture(whole[:-cut], "x"), decode_picture(whole, "x")
    assert said in picture.note
    assert complete.note is None
    upper = picture.rgb.shape[0] // 2
    if format_name != "BMP":  # begins with its last row
        assert np.abs(picture.rgb[:upper] - complete.rgb[:upper]).max() < 0.02


@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "BMP", "WEBP", "TIFF"])
def test_half_a_file_is_damaged(format_name):
    whole = saved(IMAGE, format_name)
    with pytest.raises(PictureError, match="damaged"):
        decode_picture(whole[: len(whole) // 2], "x")


def test_pages_of_a_tiff_and_frames_of_an_animation(tmp_path):
    turned = IMAGE.rotate(90, expand=True)
    path = tmp_path / "fax.tif"
    path.write_bytes(saved(IMAGE, "TIFF", save_all=True, append_images=[turned]))
    assert count_pages(path) == 2
    assert decode_picture(path.read_bytes(), "x", page=2).rgb.shape[:2] == (turned.height, turned.width)
    with pytest.raises(PictureError, match="has no page 3"):
        decode_picture(path.read_bytes(), "x", page=3)
    animated = decode_picture(saved(IMAGE, "GIF", save_all=True, append_images=[IMAGE.rotate(180)]), "x")
    assert animated.num_frames == 2
    assert decode_picture(path.read_bytes(), "x").num_frames == 1


def test_a_tiff_of_very_many_pages_is_refused_at_once(tmp_path):
    path = tmp_path / "many.tif"
    links = b"".join(struct.pack("<HI", 0, 14 + 6 * number) for number in range(200_000))  # of empty directories
    path.write_bytes(struct.pack("<2sHI", b"II", 42, 8) + links)
    started = time.monotonic()
    with pytest.raises(PictureError, match="5,001 pages, at most 5,000"):
        count_pages(path)
    assert time.monotonic() - started < 5
    path.write_bytes(struct.pack("<2sHI", b"II", 42, 8) + struct.pack("<HI", 0, 8))  # leads to itself
    assert count_pages(path) == 1


@pytest.mark.parametrize("is_hurt", [False, True])
def test_what_libtiff_says_of_a_damaged_fax_is_a_note_and_nothing_on_stderr(capfd, is_hurt):
    whole = saved(Image.fromarray(np.random.default_rng(0).random((64, 96)) > 0.5), "TIFF", compression="group4")
    content = bytearray(whole)
    if is_hurt:
        place = whole.index(b"II*") + 60
        content[place : place + 30] = bytes(30)
    picture = decode_picture(bytes(content), "x")
    assert picture.note == ("the file is damaged: parts of the picture may be wrong" if is_hurt else None)
    assert capfd.readouterr() == ("", "")


def test_a_tiff_that_cannot_be_unpacked_is_one_clear_line(capfd):
    whole = saved(IMAGE, "TIFF", compression="tiff_lzw")
    place = len(whole) // 2
    with pytest.raises(PictureError, match=r"^x: damaged picture: its pixels cannot be unpacked$"):
        decode_picture(whole[:place] + bytes(200) + whole[place + 200 :], "x")
    assert capfd.readouterr() == ("", "")


def test_a_scanned_page_of_a_pdf_has_the_pixels_of_the_scan(tmp_path):
    pytest.importorskip("pypdfium2")
    path = tmp_path / "scan.pdf"
    path.write_bytes(saved(IMAGE, "PDF", resolution=100.0, save_all=True, append_images=[IMAGE.rotate(180)]))
    assert count_pages(path) == 2
    first, second = (decode_picture(path.read_bytes(), "x", page=page) for page in (1, 2))
    assert first.rgb.shape[:2] == (IMAGE.height, IMAGE.width)
    assert first.dpi == pytest.approx((100, 100), abs=1)
    assert np.abs(first.rgb - np.asarray(IMAGE) / 255).mean() < 0.03  # PIL stores a JPEG
    assert np.abs(second.rgb - np.asarray(IMAGE.rotate(180)) / 255).mean() < 0.03  # PIL stores a JPEG
    with pytest.raises(PictureError, match="has 2 pages"):
        decode_picture(path.read_bytes(), "x", page=3)
    with pytest.raises(PictureError, match="PDF"):
        decode_picture(path.read_bytes()[:200], "x")


@pytest.mark.parametrize("text", ["0", "a", "3-1", "1,,2", "-2"])
def test_pages_that_mean_nothing_are_refused(text):
    with pytest.raises(ConfigError, match="--pages"):
        parse_pages(text, 9, "a.pdf")


def test_a_page_that_is_not_there():
    with pytest.raises(PictureError, match=r"a\.pdf: has 3 pages"):
        parse_pages("2-4", 3, "a.pdf")
