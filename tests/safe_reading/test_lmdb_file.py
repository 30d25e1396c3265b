import random
import struct

import lmdb
import pytest

from glyphsr.errors import DataError
from glyphsr.safe_reading.lmdb_file import LmdbFile


@pytest.fixture
def many(tmp_path):
    """Keys of three levels of pages, some with values on pages of their own."""
    rng = random.Random(0)
    values = {
        f"key-{rng.randrange(10**9):09d}".encode(): rng.randbytes(rng.choice((0, 5, 900, 9000))) for _ in range(1500)
    }
    with lmdb.open(str(tmp_path / "set"), map_size=1 << 26) as env:
        with env.begin(write=True) as transaction:
            for key, value in values.items():
                transaction.put(key, value)
        with env.begin(write=True) as transaction:  # leaves free pages behind
            for key in list(values)[:200]:
                transaction.delete(key)
                del values[key]
    return tmp_path / "set" / "data.mdb", values


def test_it_reads_what_lmdb_wrote(many):
    path, values = many
    file = LmdbFile(path, "here")
    assert all(file.get(key) == value for key, value in values.items())
    assert all(file.get(key) == value for key, value in values.items())  # from pages that are kept
    assert file.get(b"key-") is None
    assert file.get(b"zzz") is None
    assert list(file.keys_below(b"z")) == sorted(values, reverse=True)
    key = next(key for key, value in values.items() if len(value) == 9000)
    assert file.size_and_tail(key, 32) == (9000, values[key][-32:])
    assert file.check() == []
    assert file.most_entries >= len(values)


def test_an_empty_one(tmp_path):
    lmdb.open(str(tmp_path / "set"), map_size=1 << 20).close()
    file = LmdbFile(tmp_path / "set" / "data.mdb", "here")
    assert (file.get(b"a"), list(file.keys_below(b"z")), file.check()) == (None, [], [])


def test_any_damage_is_an_error_that_names_the_page(many):
    path, values = many
    whole = path.read_bytes()
    rng = random.Random(1)
    noticed = 0
    for _ in range(60):
        page = rng.randrange(2, len(whole) // 4096)
        content = bytearray(whole)
        place = page * 4096 + rng.randrange(40)
        content[place : place + 4] = rng.randbytes(4)
        path.write_bytes(content)
        file = LmdbFile(path, "here")
        problems = file.check()
        noticed += bool(problems)
        assert all("here: damaged: page " in problem for problem in problems)
        for key in values:
            try:
                file.get(key)
            except DataError as error:
                assert "damaged: page" in str(error)  # noqa: PT017 - most keys are whole
    assert noticed > 5


def test_pages_that_go_in_a_circle_end(many):
    path, _ = many
    content = bytearray(path.read_bytes())
    place = LmdbFile(path, "here")._main.root
    first = place * 4096 + struct.unpack_from("<H", content, place * 4096 + 16)[0]
    content[first : first + 6] = place.to_bytes(6, "little")
    path.write_bytes(content)
    file = LmdbFile(path, "here")
    assert file.check()
    with pytest.raises(DataError, match="damaged: page"):
        list(file.keys_below(b"z"))


def test_a_file_that_is_cut_while_it_is_open_is_an_error(many):
    path, values = many
    file = LmdbFile(path, "here")
    with path.open("rb+") as cut:
        cut.truncate(8192)
    with pytest.raises(DataError, match="beyond the end"):
        file.get(next(iter(values)))
