import shutil

import numpy as np
import pytest

from glyphsr.data.hr_images import LmdbWords
from glyphsr.data.lmdb_pairs import PairedLmdb, decode_rgb
from glyphsr.data.lmdb_writer import LmdbWriter, encode_png, write_pairs
from glyphsr.errors import DataError

from ..helpers.lmdb import change, changed, recognition_set


def test_the_map_grows_as_needed(tmp_path, monkeypatch):
    monkeypatch.setattr("glyphsr.data.lmdb_writer.FIRST_MAP_SIZE", 1 << 16)
    noise = np.random.default_rng(0).integers(0, 255, (100, 200, 3), dtype=np.uint8)
    encoded = encode_png(noise)
    with LmdbWriter(tmp_path / "set") as writer:
        for i in range(20):
            writer.add(hr=encoded, lr=encoded, label=str(i))
    assert len(encoded) * 40 > 1 << 16
    assert PairedLmdb(tmp_path / "set")[19].label == "19"


def test_nothing_of_the_writer_is_mapped_that_a_full_disk_would_break(tmp_path):
    with LmdbWriter(tmp_path / "set") as writer:
        writer.add(hr=b"a", lr=b"b", label="c")
        writer.commit()
        assert [file.name for file in tmp_path.rglob("*.mdb")] == ["data.mdb"]


def test_a_word_of_more_pixels_than_words_have_is_not_decoded(monkeypatch):
    encoded = encode_png(np.zeros((20, 40, 3), np.uint8))
    assert decode_rgb(encoded, "here").shape == (20, 40, 3)
    monkeypatch.setenv("GLYPHSR_MAX_WORD_PIXELS", "799")
    with pytest.raises(DataError, match="800 pixels in the picture of a word, at most 799"):
        decode_rgb(encoded, "here")


def test_paths_that_are_no_lmdb_say_what_to_give(tiny_lmdb, tmp_path):
    with pytest.raises(DataError, match="give the folder that holds it"):
        len(PairedLmdb(tiny_lmdb / "data.mdb"))
    (tmp_path / "train.mdb").write_bytes((tiny_lmdb / "data.mdb").read_bytes())
    with pytest.raises(DataError, match="an LMDB is a folder"):
        len(PairedLmdb(tmp_path / "train.mdb"))
    with pytest.raises(DataError, match=r"no data\.mdb"):
        len(PairedLmdb(tmp_path / "nowhere"))


@pytest.mark.parametrize("share", [0.05, 0.5, 0.99])
def test_a_truncated_file_is_an_error_not_a_crash(tmp_path, words, share):
    write_pairs(tmp_path / "set", words * 10)
    file = tmp_path / "set" / "data.mdb"
    content = file.read_bytes()
    file.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(DataError, match=r"cut off|cannot open"):
        len(PairedLmdb(tmp_path / "set"))


def test_num_samples_must_be_a_number(tiny_lmdb, tmp_path):
    shutil.copytree(tiny_lmdb, tmp_path / "set")
    change(tmp_path / "set", {b"num-samples": b"four"})
    with pytest.raises(DataError, match="expected a whole number, got b'four'"):
        len(PairedLmdb(tmp_path / "set"))


ODD = {b"label-000000003x": b"?", b"label-abc": b"?", b"label-99999999999": b"?", b"zzz": b"?"}


def test_odd_keys_are_no_samples(tiny_lmdb, tmp_path):
    assert PairedLmdb(changed(tiny_lmdb, tmp_path / "odd", ODD)).last_number() == 4
    # Its pictures are there, so only its label is missing.
    assert PairedLmdb(changed(tiny_lmdb, tmp_path / "one", ODD | {b"label-000000004": None})).last_number() == 4


def test_files_with_the_numbers_of_a_deleted_sets_are_not_taken_for_open_ones(tiny_lmdb, tmp_path):
    first, second = (changed(tiny_lmdb, tmp_path / name, {}) for name in ("first", "second"))
    assert len(PairedLmdb(first)) == 4
    (first / "lock.mdb").replace(second / "lock.mdb")  # as a new file that gets the number of the deleted one
    shutil.rmtree(first)
    assert len(PairedLmdb(second)) == 4


def test_sets_for_recognition_are_words_without_lr_sides(words, tmp_path):
    path = recognition_set(tmp_path / "set", words)
    pairs = PairedLmdb(path)
    assert len(pairs) == 4
    assert (pairs[1].label, pairs[1].lr) == ("Hotel", None)
    assert np.array_equal(pairs[1].hr, words[1].hr)
    assert LmdbWords(path).read(1).label == "Hotel"
    with pytest.raises(DataError, match="a set for recognition"):
        pairs.check_sides()
