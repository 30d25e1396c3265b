import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra import numpy as hnp

from glyphsr.data.glyph_lmdb import GlyphLmdb, decode_mask, encode_mask, glyph_values, read_values
from glyphsr.data.lmdb_writer import LmdbWriter
from glyphsr.errors import DataError
from glyphsr.types import Extraction, GlyphRecord


def extraction(text="ab", size=(4, 9)):
    rng = np.random.default_rng(len(text))
    chars = rng.random((len(text), *size)) > 0.6
    records = tuple(
        GlyphRecord(
            c, ((1.5, 2.0), (1.25, 2.5)), "cuts", (1.0, 2.0), 0.912, None if i else 0.5, "no_mask" if i else None
        )
        for i, c in enumerate(text)
    )
    return Extraction(text, chars.any(axis=0), chars, records, 0.75)


def same(a, b):
    return (
        (a.text, a.glyphs, a.quality, a.rejected) == (b.text, b.glyphs, b.quality, b.rejected)
        and np.array_equal(a.line, b.line)
        and np.array_equal(a.chars, b.chars)
    )


@given(hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=2, max_side=40)))
def test_masks_come_back_from_one_bit_pngs(mask):
    encoded = encode_mask(mask)
    assert encoded[24] == 1  # bit depth in the PNG header
    assert np.array_equal(decode_mask(encoded, "here"), mask)


@pytest.mark.parametrize("text", ["a", "ab", "Zürich"])
def test_words_come_back(text):
    given_word = extraction(text)
    assert same(read_values(glyph_values(given_word), "here"), given_word)


@pytest.mark.parametrize("size", [(4, 9), (0, 0)])
def test_rejected_words_come_back(size):
    word = Extraction("", np.zeros(size, bool), np.zeros((0, *size), bool), (), 0.0, "blank")
    assert same(read_values(glyph_values(word), "here"), word)


def test_an_environment_is_read_by_number(tmp_path):
    path = tmp_path / "glyphs"
    words = [extraction("ab"), extraction("abc")]
    with LmdbWriter(path) as writer:
        for word in words:
            writer.put(glyph_values(word))
        writer.note("manifest", json.dumps({"format_number": 1, "source": {}}).encode())
    glyphs = GlyphLmdb(path)
    assert len(glyphs) == 2
    assert all(same(glyphs[i], word) for i, word in enumerate(words))
    assert glyphs.manifest()["format_number"] == 1
    with pytest.raises(DataError, match="glyphs: 000000003: no glyph_meta"):
        glyphs[2]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"glyph_meta": b"{"}, "glyph_meta: not JSON"),
        ({"glyph_meta": b'{"text": 1}'}, "glyph_meta: not what extract writes"),
        ({"glyph_line": b"no png"}, "glyph_line: not a readable picture"),
        ({"glyph_chars": encode_mask(np.zeros((5, 9), bool))}, "expected 2 masks of"),
    ],
)
def test_damaged_values_are_named(changes, message):
    with pytest.raises(DataError, match=message):
        read_values(glyph_values(extraction()) | changes, "here")


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        (None, "no 'manifest' key"),
        (b"[", "not JSON"),
        (b"[]", "not what extract writes"),
        (b'{"format_number": 9}', "format 9"),
    ],
)
def test_a_manifest_that_cannot_be_used_is_named(tmp_path, manifest, message):
    path = tmp_path / "glyphs"
    with LmdbWriter(path) as writer:
        writer.put(glyph_values(extraction()))
        if manifest is not None:
            writer.note("manifest", manifest)
    with pytest.raises(DataError, match=message):
        GlyphLmdb(path).manifest()
