import io
import struct
import zlib

import pytest
from PIL import Image

from glyphsr.errors import DataError
from glyphsr.safe_reading.picture_header import check_picture, check_png_chunks


def saved(format_name, **options):
    buffer = io.BytesIO()
    Image.new("RGB", (70, 30), (1, 2, 3)).save(buffer, format_name, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("options", [{}, {"lossless": True}, {"lossless": True, "icc_profile": b"x"}])
def test_webp_sizes(options):
    found = check_picture(saved("WEBP", **options), "x", DataError)
    assert (found.format, found.width, found.height) == ("WEBP", 70, 30)


@pytest.mark.parametrize("name", ["PNG", "JPEG", "TIFF", "BMP", "GIF", "PPM"])
def test_sizes_of_the_other_kinds(name):
    found = check_picture(saved(name), "x", DataError)
    assert (found.format, found.width, found.height) == (name, 70, 30)


def test_progressive_jpeg_with_exif_and_many_scans():
    content = saved("JPEG", progressive=True, exif=Image.Exif())
    assert check_picture(content, "x", DataError).width == 70
    height_at = content.index(b"\xff\xc2") + 5
    large = content[:height_at] + struct.pack(">HH", 8000, 8000) + content[height_at + 4 :]
    assert check_picture(large, "x", DataError).height == 8000
    scan = content[content.index(b"\xff\xda") : content.rindex(b"\xff\xd9")]
    with pytest.raises(DataError, match="a JPEG of"):
        check_picture(large[:-2] + scan * 20 + b"\xff\xd9", "x", DataError)


def test_programs_are_no_pictures():
    with pytest.raises(DataError, match="not a readable picture"):
        check_picture(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n", "x", DataError)


def test_a_huge_picture_is_refused_by_its_header():
    header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + b"IHDR" + header + struct.pack(">I", zlib.crc32(b"IHDR" + header))
    with pytest.raises(DataError, match="GLYPHSR_MAX_PICTURE_PIXELS"):
        check_picture(b"\x89PNG\r\n\x1a\n" + chunk, "x", DataError)


def test_a_part_of_a_png_that_claims_two_gigabytes_is_refused_undecoded():
    whole = saved("PNG")
    check_png_chunks(whole, "x", DataError)
    check_png_chunks(whole + b"behind the end", "x", DataError)
    place = whole.index(b"IDAT") - 4
    hostile = whole[:place] + struct.pack(">I", 2**31 - 2) + whole[place + 4 :]
    with pytest.raises(DataError, match="IDAT"):
        check_png_chunks(hostile, "x", DataError)
