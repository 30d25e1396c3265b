"""Word lists."""

import math

import pytest

from glyphsr.errors import ConfigError, DataError
from glyphsr.text.lexicon import english, from_words, open_lexicon


def test_near_words_are_found_the_nearest_first():
    lexicon = from_words(["Hotel", "model", "mole", "zebra"])
    assert lexicon.near("hotel")[0] == "hotel"
    assert "zebra" not in lexicon.near("hotel")
    assert from_words(["cat"]).near("xyz") == []


def test_english_has_common_words_and_their_frequencies():
    lexicon = english()
    assert "street" in lexicon
    assert "nikon" in lexicon  # names of makers stand on signs
    assert "qzxv" not in lexicon
    assert "restuarant" not in lexicon  # as it is often written, but not often enough
    assert math.exp(min(lexicon.log_frequency.values())) == pytest.approx(1e-7)
    assert lexicon.log_frequency["the"] > lexicon.log_frequency["street"] > lexicon.log_frequency["zygote"]


def test_a_file_is_a_list(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("\ufeffKwik\n\nFit\n", encoding="utf-8")
    lexicon = open_lexicon(str(path))
    assert lexicon is not None
    assert lexicon.words == ("kwik", "fit")
    assert open_lexicon("none") is None


def test_lists_that_are_none_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="swahili"):
        open_lexicon("swahili")
    empty = tmp_path / "empty.txt"
    empty.write_text("\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"empty\.txt"):
        open_lexicon(str(empty))
    broken = tmp_path / "broken.txt"
    broken.write_bytes(b"\xff\xfe\xff")
    with pytest.raises(DataError, match="UTF-8"):
        open_lexicon(str(broken))
