import numpy as np
import pytest

from glyphsr.config.rendering import BUILTIN_FONT, RenderConfig, TextConfig
from glyphsr.data.rendering.fonts import find_fonts
from glyphsr.data.rendering.random_choices import RandomChoices
from glyphsr.data.rendering.text_sampler import RandomTexts, open_texts
from glyphsr.errors import DataError
from glyphsr.text.charset import filter_lower

KINDS = ("word", "number", "price", "code", "plate", "address", "phrase")


def draws(seed=0):
    return RandomChoices(np.random.default_rng(seed))


def only(kind, **changes):
    return RandomTexts(TextConfig(**(dict.fromkeys(KINDS, 0.0) | {kind: 1.0} | changes)))


@pytest.mark.parametrize("kind", KINDS)
def test_every_text_has_something_to_read_and_nothing_at_its_ends(kind):
    texts, source = only(kind), draws()
    found = [texts.write(source) for _ in range(200)]
    assert all(filter_lower(text) and text == text.strip() and text.isprintable() for text in found)
    assert len(set(found)) > 20


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("number", lambda t: any(c.isdigit() for c in t) and not any(c.isalpha() for c in t)),
        ("word", str.isalpha),
        ("phrase", lambda t: " " in t or len(t) <= 16),
        ("plate", lambda t: t == t.upper()),
    ],
)
def test_kinds_are_what_they_are_called(kind, says):
    texts, source = only(kind), draws(1)
    assert all(says(texts.write(source)) for _ in range(100))


@pytest.mark.parametrize("case", ["upper", "lower"])
def test_cases_are_drawn_by_weight(case):
    weights = {"upper": 0.0, "capitalised": 0.0, "lower": 0.0, "mixed": 0.0, case: 1.0}
    texts, source = only("word", **weights), draws()
    assert all(getattr(str, f"is{case}")(texts.write(source)) for _ in range(50))


def test_words_keep_the_asked_length():
    texts, source = only("word", max_characters=3), draws()
    assert max(len(texts.write(source)) for _ in range(100)) <= 3


def test_words_are_about_as_long_as_on_signs():
    texts, source = only("word"), draws()
    lengths = np.array([len(texts.write(source)) for _ in range(3000)])
    assert 4.7 < lengths.mean() < 6.2
    assert 0.35 < (lengths <= 4).mean() < 0.6
    assert (lengths >= 10).mean() < 0.1


def test_weights_are_followed_and_nothing_of_weight_0_comes():
    source = draws()
    picked = [source.pick_by({"a": 3.0, "b": 0.0, "c": 1.0}) for _ in range(4000)]
    assert picked.count("a") == pytest.approx(3000, abs=120)
    assert "b" not in picked


def lines(tmp_path, content, encoding="utf-8"):
    (tmp_path / "w.txt").write_bytes(content.encode(encoding))
    return open_texts(RenderConfig(words=(str(tmp_path / "w.txt"),)), find_fonts((BUILTIN_FONT,)))


def test_lines_of_a_file_are_drawn_as_they_stand(tmp_path):
    texts = lines(tmp_path, "\ufeffNo Parking\r\n\r\n  spaced   out \n5%\n")
    source = draws()
    assert {texts.write(source) for _ in range(50)} == {"No Parking", "spaced out", "5%"}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "no text in it"),
        ("ok\n\u6f22\u5b57\n", r"w\.txt:2: '\u6f22\u5b57': no font draws \u5b57 \u6f22; install"),
        ("x" * 65, r"w\.txt:1: 65 characters in a line, expected at most 64"),
        ("\u05e9\u05dc\u05d5\u05dd", "left to right"),
        ("\u0915\u093f", "left to right"),
        ("\U0001e900", "left to right"),
        ("\u1100", "left to right"),
        ("\u0e14\u0e35", "left to right"),
        ("\U0001f1e9\U0001f1ea", "left to right"),
        ("tab\x07bell", "drawn one by one"),
        ("q\u0303", "drawn one by one"),
    ],
)
def test_lines_that_cannot_be_drawn_are_named(tmp_path, content, says):
    with pytest.raises(DataError, match=says):
        lines(tmp_path, content)


def test_files_that_are_no_text_are_named(tmp_path):
    with pytest.raises(DataError, match=r"w\.txt: not UTF-8 at byte 1"):
        lines(tmp_path, "Z\u00fcrich", "latin-1")
    with pytest.raises(DataError, match=r"no\.txt: No such file"):
        open_texts(RenderConfig(words=(str(tmp_path / "no.txt"),)), find_fonts((BUILTIN_FONT,)))


def test_marks_stand_before_or_behind_words_and_only_where_they_are_asked_for():
    source = draws(3)
    marked = [only("word", marked=1.0).write(source) for _ in range(200)]
    bare = ["".join(filter(str.isalpha, text)) for text in marked]
    assert all(len(text) > len(letters) and letters in text for text, letters in zip(marked, bare, strict=True))
    assert len({text.replace(letters, " ") for text, letters in zip(marked, bare, strict=True)}) > 10
    without, same = draws(4), draws(4)
    assert [only("word").write(without) for _ in range(50)] == [only("word", marked=0.0).write(same) for _ in range(50)]
    some = [only("word", marked=0.3).write(source) for _ in range(300)]
    assert 50 < sum(not text.isalpha() for text in some) < 140
