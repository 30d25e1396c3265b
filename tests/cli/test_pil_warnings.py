"""What PIL warns of is the reader's business: nothing of it reaches the terminal, and nothing stops for it."""

import io
import signal
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image

import glyphsr_cli.app as program
from glyphsr.images.reader import decode_picture

from ..conftest import draw_word


def _with_a_cut_tag(format_name):
    """A picture whose program's name would be behind the end of the file."""
    exif = Image.Exif()
    exif[305] = "a program with a name"
    buffer = io.BytesIO()
    Image.fromarray(draw_word("tag")).save(buffer, format_name, exif=exif)
    content = bytearray(buffer.getvalue())
    order = "little" if b"II*\0" in content else "big"
    place = content.index((305).to_bytes(2, order) + (2).to_bytes(2, order))
    content[place + 8 : place + 12] = (len(content) - 3).to_bytes(4, order)
    return bytes(content)


@pytest.mark.parametrize("format_name", ["TIFF", "JPEG"])
@pytest.mark.parametrize("action", ["always", "error"])
def test_no_warning_of_a_tag_is_shown_or_stops_anything(format_name, action, monkeypatch, capsys):
    content = _with_a_cut_tag(format_name)
    with pytest.warns(UserWarning, match="Truncated File Read"):  # by PIL alone
        dict(Image.open(io.BytesIO(content)).getexif())

    def read_many():
        warnings.warn("of another library", stacklevel=1) if action == "always" else None
        with ThreadPoolExecutor(4) as pool:  # where filters that are set for a while get into each other's way
            assert len(list(pool.map(lambda _: decode_picture(content, "x"), range(40)))) == 40
        dict(Image.open(io.BytesIO(content)).getexif())

    monkeypatch.setattr(program, "app", read_many)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    with warnings.catch_warnings():
        warnings.simplefilter(action)
        program.main()
    assert capsys.readouterr().err == ("warning: of another library\n" if action == "always" else "")


def test_neither_is_one_of_a_picture_that_would_be_a_bomb(monkeypatch, capsys):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    buffer = io.BytesIO()
    Image.new("L", (15, 10)).save(buffer, "PNG")
    monkeypatch.setattr(program, "app", lambda: Image.open(io.BytesIO(buffer.getvalue())))
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        program.main()
    assert capsys.readouterr().err == ""
