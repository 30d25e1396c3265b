import shutil

import numpy as np
import pytest

from glyphsr.data.hr_images import FolderWords, LmdbWords, open_hr_words
from glyphsr.dataset_tools.export import export
from glyphsr.errors import DataError

from ..helpers.lmdb import changed


def test_lmdb_and_its_export_hold_the_same_words(tiny_lmdb, words, tmp_path):
    export(tiny_lmdb, tmp_path / "out", form="paddleocr")
    first, second = open_hr_words(tiny_lmdb), open_hr_words(tmp_path / "out")
    assert isinstance(first, LmdbWords)
    assert isinstance(second, FolderWords)
    assert len(first) == len(second) == len(words)
    for i, word in enumerate(words):
        for source in (first, second):
            sample = source.read(i)
            assert sample.label == word.label
            assert np.array_equal(sample.hr, word.hr)
            assert sample.lr is None


def test_a_folder_with_annotations_or_with_telling_names(word_folder, named_words):
    assert open_hr_words(word_folder).read(1).label == "Hotel"
    assert {FolderWords(named_words).read(i).label for i in range(4)} == {"OPEN", "Hotel", "42", "exit"}


def test_the_fingerprint_is_of_the_content_not_of_the_place(tiny_lmdb, word_folder, tmp_path):
    shutil.copytree(tiny_lmdb, tmp_path / "copy")
    assert LmdbWords(tiny_lmdb).fingerprint() == LmdbWords(tmp_path / "copy").fingerprint()
    other = changed(tiny_lmdb, tmp_path / "other", {b"label-000000002": b"Motel"})
    assert LmdbWords(other).fingerprint() != LmdbWords(tiny_lmdb).fingerprint()
    shutil.copytree(word_folder, tmp_path / "folder")
    first = FolderWords(tmp_path / "folder").fingerprint()
    assert first == FolderWords(word_folder).fingerprint()
    (tmp_path / "folder" / "3.png").unlink()
    assert FolderWords(tmp_path / "folder").fingerprint() != first


def test_a_broken_lr_side_is_of_no_matter(tiny_lmdb, tmp_path):
    path = changed(tiny_lmdb, tmp_path / "broken", {b"image_lr-000000001": b"no picture"})
    assert LmdbWords(path).read(0).label == "OPEN"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({b"image_hr-000000001": None}, "no 'image_hr-000000001' key"),
        ({b"label-000000001": None}, "no 'label-000000001' key"),
        ({b"label-000000001": b"\xff"}, "label-000000001: not UTF-8"),
        ({b"image_hr-000000001": b"no picture"}, "image_hr-000000001: not a readable picture"),
    ],
)
def test_broken_samples_are_named(tiny_lmdb, tmp_path, change, message):
    with pytest.raises(DataError, match=message):
        LmdbWords(changed(tiny_lmdb, tmp_path / "broken", change)).read(0)


def test_keys_that_were_never_written_are_not_counted(tiny_lmdb, tmp_path):
    assert len(LmdbWords(changed(tiny_lmdb, tmp_path / "long", {b"num-samples": b"900000000"}))) == 4


def test_what_is_no_source_is_named(tmp_path):
    with pytest.raises(DataError, match="no pictures in it"):
        open_hr_words(tmp_path)
    with pytest.raises(DataError, match="no LMDB here"):
        open_hr_words(tmp_path / "nothing")


def test_a_damaged_environment_is_an_error_that_names_it(tiny_lmdb, tmp_path):
    shutil.copytree(tiny_lmdb, tmp_path / "damaged")
    file = tmp_path / "damaged" / "data.mdb"
    content = bytearray(file.read_bytes())
    for page in range(2, len(content) // 4096):
        content[page * 4096 : page * 4096 + 16] = bytes(16)
    file.write_bytes(content)
    with pytest.raises(DataError, match=r"damaged: damaged: page \d+ has number 0 .*; copy it again"):
        LmdbWords(tmp_path / "damaged").fingerprint()


def test_pictures_of_equal_size_differ_in_the_fingerprint(tiny_lmdb, tmp_path):
    pairs = LmdbWords(tiny_lmdb).pairs
    picture = bytearray(pairs.get("image_hr-000000001"))
    picture[-20] ^= 1
    other = changed(tiny_lmdb, tmp_path / "other", {b"image_hr-000000001": bytes(picture)})
    assert LmdbWords(other).fingerprint() != LmdbWords(tiny_lmdb).fingerprint()
