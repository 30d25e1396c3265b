import numpy as np
import pytest
from PIL import Image

from glyphsr.data.lmdb_pairs import PairedLmdb
from glyphsr.data.lmdb_writer import LmdbWriter, encode_png, write_pairs
from glyphsr.data.pair_loader import iterate_chunks


@pytest.mark.parametrize("workers", [0, 2])
def test_chunks_come_in_order_with_any_number_of_workers(tiny_lmdb, workers):
    chunks = list(iterate_chunks(PairedLmdb(tiny_lmdb), 3, squash=True, workers=workers))
    assert [len(chunk.samples) for chunk in chunks] == [3, 1]
    samples = [sample for chunk in chunks for sample in chunk.samples]
    assert [sample.label for sample in samples] == ["OPEN", "Hotel", "42", "crossing"]
    assert {sample.hr.shape for sample in samples} == {(32, 128, 3)}
    assert {sample.lr.shape for sample in samples} == {(16, 64, 3)}


def test_pictures_as_stored_and_squashed_as_pil_does(tiny_lmdb, words):
    stored = next(iterate_chunks(PairedLmdb(tiny_lmdb), 4, squash=False)).samples
    assert all(np.array_equal(a.hr, b.hr) for a, b in zip(stored, words, strict=True))
    squashed = next(iterate_chunks(PairedLmdb(tiny_lmdb), 4, squash=True)).samples
    expected = Image.fromarray(words[1].hr).resize((128, 32), Image.Resampling.BICUBIC)
    assert np.array_equal(squashed[1].hr, np.asarray(expected))


def test_a_broken_sample_does_not_stop_the_chunk(tmp_path, words):
    png = encode_png(words[0].hr)
    with LmdbWriter(tmp_path / "set") as writer:
        writer.add(hr=png, lr=png, label="a")
        writer.add(hr=b"no picture", lr=png, label="b")
        writer.add(hr=png, lr=png, label="c")
    chunk = next(iterate_chunks(PairedLmdb(tmp_path / "set"), 48, squash=True))
    assert [sample.label for sample in chunk.samples] == ["a", "c"]
    assert [item.id for item in chunk.bad] == ["set/000002"]


def test_exif_orientation_is_left_alone_as_the_published_loader_does(tmp_path, words):
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    Image.fromarray(words[0].hr).save(tmp_path / "a.jpg", exif=exif)
    encoded = (tmp_path / "a.jpg").read_bytes()
    with LmdbWriter(tmp_path / "set") as writer:
        writer.add(hr=encoded, lr=encoded, label="a")
    assert PairedLmdb(tmp_path / "set")[0].hr.shape == words[0].hr.shape


def test_an_empty_set_has_no_chunks(tmp_path):
    write_pairs(tmp_path / "set", [])
    assert list(iterate_chunks(PairedLmdb(tmp_path / "set"), 4, squash=True)) == []


@pytest.mark.parametrize("cache_bytes", [0, 20_000, 1 << 20])
def test_later_passes_are_the_first_again_wherever_they_come_from(tiny_lmdb, cache_bytes, monkeypatch):
    read = []
    original = PairedLmdb.raw
    monkeypatch.setattr(PairedLmdb, "raw", lambda self, index: read.append(index) or original(self, index))
    found = list(iterate_chunks(PairedLmdb(tiny_lmdb), 1, squash=True, passes=3, cache_bytes=cache_bytes))
    assert [chunk.labels for chunk in found] == [["OPEN"], ["Hotel"], ["42"], ["crossing"]] * 3
    assert all(np.array_equal(a.hr, b.hr) for a, b in zip(found[:4], found[8:], strict=True))
    # One chunk takes 15,360 bytes: none, one or all of the four fit.
    assert len(read) == {0: 12, 20_000: 10, 1 << 20: 4}[cache_bytes]
