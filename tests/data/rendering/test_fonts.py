import json
import os
import shutil

import pytest

from glyphsr.config.rendering import BUILTIN_FONT
from glyphsr.data.rendering.font_check import is_bounded, portrait
from glyphsr.data.rendering.fonts import find_fonts, open_font
from glyphsr.errors import DataError

from ...helpers.fonts import (
    font_of_blanks,
    font_of_boxes,
    font_of_giants,
    font_of_other_letters,
    font_without,
    whole_font,
)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GLYPHSR_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "fonts.json"


def test_the_builtin_font_is_usable_everywhere():
    book = find_fonts((BUILTIN_FONT,))
    assert len(book) == 1
    assert book.able("Hotel 42!") == list(book.fonts)


def test_a_character_that_a_font_does_not_have_is_not_covered():
    found = portrait(BUILTIN_FONT, "A\u6f22")
    assert found.covers == {"A"}
    assert find_fonts((BUILTIN_FONT,)).able("A\u6f22") == []


@pytest.mark.parametrize("make", [font_of_boxes, font_of_blanks, font_of_other_letters, font_of_giants])
def test_fonts_that_draw_no_letters_are_left_out(tmp_path, make):
    make(tmp_path / "broken.ttf")
    with pytest.raises(DataError, match="none of 1 font files draws letters and digits; install some"):
        find_fonts((str(tmp_path / "broken.ttf"),))


def test_fonts_that_never_end_are_refused_and_pipes_passed_over(tmp_path):
    whole_font(tmp_path / "a.ttf")
    os.mkfifo(tmp_path / "b.ttf")
    assert len(find_fonts((str(tmp_path),))) == 1
    with (tmp_path / "c.ttf").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(DataError, match="GLYPHSR_MAX_FONT_BYTES"):
        find_fonts((str(tmp_path),))


def test_a_character_larger_than_any_is_not_drawn(tmp_path):
    font = open_font(str(font_of_giants(tmp_path / "a.ttf")), 64)
    assert not is_bounded(font, "W")
    assert is_bounded(open_font(BUILTIN_FONT, 64), "W", stroke=2)


def test_a_font_without_a_letter_is_left_out_and_one_without_a_sign_is_not(tmp_path):
    font_without(tmp_path / "letter.ttf", "Q")
    font_without(tmp_path / "sign.ttf", "$")
    book = find_fonts((str(tmp_path),))
    assert [font.path for font in book.fonts] == [str(tmp_path / "sign.ttf")]
    assert book.able("Q") == list(book.fonts)
    assert book.able("Q$") == []


def test_copies_of_a_font_count_once_and_other_files_not_at_all(tmp_path):
    whole_font(tmp_path / "a.ttf")
    shutil.copy(tmp_path / "a.ttf", tmp_path / "b.ttf")
    (tmp_path / "c.ttf").write_text("no font")
    (tmp_path / "d.txt").write_text("no font")
    assert [font.path for font in find_fonts((str(tmp_path),)).fonts] == [str(tmp_path / "a.ttf")]


def test_places_without_fonts_are_named(tmp_path):
    with pytest.raises(DataError, match="nowhere: no such font file or folder"):
        find_fonts((str(tmp_path / "nowhere"),))
    with pytest.raises(DataError, match="no font files to draw letters and digits"):
        find_fonts((str(tmp_path),))


def test_what_was_found_out_is_kept_until_the_file_changes(tmp_path, cache):
    path = whole_font(tmp_path / "a.ttf")
    find_fonts((str(path),))
    document = json.loads(cache.read_text())
    (row,) = document["fonts"].values()
    assert row["is_legible"]
    row["is_legible"] = False
    cache.write_text(json.dumps(document))
    with pytest.raises(DataError, match="none of 1"):  # as the cache now says
        find_fonts((str(path),))
    os.utime(path, ns=(1, 1))
    assert len(find_fonts((str(path),))) == 1


@pytest.mark.parametrize("content", ["", "{", '{"check": 3}', '{"check": 0, "fonts": {}}', "[]"])
def test_a_damaged_cache_costs_nothing_but_time(tmp_path, cache, content):
    cache.parent.mkdir()
    cache.write_text(content)
    assert len(find_fonts((str(whole_font(tmp_path / "a.ttf")),))) == 1


@pytest.mark.parametrize("row", [{}, "x", [1], {"covers": None}, {"covers": "ab", "shapes": "x", "is_legible": "no"}])
def test_a_damaged_row_is_looked_at_again(tmp_path, cache, row):
    path = whole_font(tmp_path / "a.ttf")
    find_fonts((str(path),))
    document = json.loads(cache.read_text())
    document["fonts"] = dict.fromkeys(document["fonts"], row)
    cache.write_text(json.dumps(document))
    assert len(find_fonts((str(path),))) == 1


def test_of_fonts_that_look_the_same_the_one_that_can_is_taken(tmp_path):
    font_without(tmp_path / "a.ttf", "\u2122")
    whole_font(tmp_path / "b.ttf")
    book = find_fonts((str(tmp_path),))
    assert len(book) == 1
    assert [font.path for font in book.able("x\u2122")] == [str(tmp_path / "b.ttf")]
    assert [font.path for font in book.able("x")] == [str(tmp_path / "a.ttf")]


def test_without_fontconfig_the_usual_folders_are_searched(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("glyphsr.data.rendering.fonts._usual_folders", lambda: [tmp_path / "no", tmp_path])
    with pytest.raises(DataError, match=r"this machine: no font files .* --fonts"):
        find_fonts()
    whole_font(tmp_path / "a.ttf")
    assert [font.path for font in find_fonts().fonts] == [str(tmp_path / "a.ttf")]


def test_equal_books_have_equal_fingerprints(tmp_path):
    whole_font(tmp_path / "a.ttf")
    (tmp_path / "else").mkdir()
    whole_font(tmp_path / "else" / "b.ttf")
    font_without(tmp_path / "else" / "c.ttf", "$")
    one, same, other = (
        find_fonts((str(place),)) for place in (tmp_path / "a.ttf", tmp_path / "else" / "b.ttf", tmp_path / "else")
    )
    assert one.fingerprint() == same.fingerprint() != other.fingerprint()
