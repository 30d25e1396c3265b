"""URLs and tar shards by fsspec, here on stores of this machine."""

import io
import tarfile
from pathlib import PurePosixPath

import numpy as np
import pytest
from PIL import Image

import glyphsr
from glyphsr.errors import ConfigError, DataError

fsspec = pytest.importorskip("fsspec")

OPTIONS = {"guard": "off", "device": "cpu"}


def picture(number):
    pixels = np.random.default_rng(number).integers(0, 256, (5, 12, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def store():
    """A store in memory, as an object store would be."""
    store = fsspec.filesystem("memory")
    for number in range(3):
        store.pipe(f"/bucket/in/deep/{number}.png", picture(number))
    store.pipe("/bucket/in/deep/broken.png", b"no picture")
    yield store
    store.rm("/bucket", recursive=True)


def local(tmp_path, numbers):
    """The same pictures by way of files."""
    (tmp_path / "in").mkdir()
    for number in numbers:
        (tmp_path / "in" / f"{number}.png").write_bytes(picture(number))
    glyphsr.upscale_files(tmp_path / "in", tmp_path / "local", **OPTIONS)
    return {path.name: path.read_bytes() for path in (tmp_path / "local").iterdir()}


def test_a_bucket_becomes_a_bucket_and_goes_on_where_it_stopped(store, tmp_path):
    run = glyphsr.upscale_files("memory://bucket/in", "memory://bucket/out", recursive=True, **OPTIONS)
    assert [(p.status, PurePosixPath(p.input).name) for p in run.pictures] == [
        *[("done", f"{number}.png") for number in range(3)],
        ("failed", "broken.png"),
    ]
    assert "memory://" in run.pictures[3].error
    assert "/tmp" not in run.pictures[3].error
    made = {PurePosixPath(name).name: store.cat(name) for name in store.find("/bucket/out")}
    assert made == local(tmp_path, range(3))

    again = glyphsr.upscale_files("memory://bucket/in", "memory://bucket/out", recursive=True, **OPTIONS)
    assert [p.status for p in again.pictures] == ["skipped"] * 3 + ["failed"]


def test_a_shard_keeps_its_order_its_labels_and_the_rest(tmp_path):
    shard = tmp_path / "words-000.tar"
    contents = [
        ("a.png", picture(0)),
        ("a.txt", b"HELLO"),
        ("../b.png", picture(1)),
        ("bad.png", b"no"),
        ("bad.txt", b"x"),
    ]
    with tarfile.open(shard, "w") as tar:
        for name, content in contents:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    before = shard.read_bytes()
    run = glyphsr.upscale_files(shard, tmp_path / "out", **OPTIONS)
    assert run.pictures[0].status == "done"
    assert run.pictures[0].note.startswith("2 pictures; failed: bad.png")
    assert shard.read_bytes() == before
    assert not list(tmp_path.glob("*.png"))

    alone = local(tmp_path, range(2))
    with tarfile.open(tmp_path / "out" / "words-000.tar") as tar:
        made = {info.name: tar.extractfile(info).read() for info in tar}
    assert list(made) == ["a.png", "a.txt", "../b.png", "bad.txt"]
    assert (made["a.png"], made["a.txt"], made["../b.png"]) == (alone["0.png"], b"HELLO", alone["1.png"])


@pytest.mark.parametrize(
    ("source", "out", "options", "error"),
    [
        ("memory://bucket/in", None, {}, ConfigError),
        ("memory://bucket/none", "memory://bucket/out", {}, DataError),
        ("memory://bucket/in", "memory://bucket/out", {}, DataError),  # its pictures are below
        ("nosuch://bucket/in", "memory://bucket/out", {}, ConfigError),
        ("memory://bucket/in", "memory://bucket/in", {"recursive": True}, ConfigError),
        ("memory://bucket/in", "memory://bucket/out", {"recursive": True, "text": "A"}, ConfigError),
    ],
)
def test_what_cannot_be_is_said_before_any_work(store, source, out, options, error):
    with pytest.raises(error):
        glyphsr.upscale_files(source, out, **OPTIONS, **options)
    assert len(store.find("/bucket")) == 4


def test_a_name_in_a_store_leads_nowhere_else(store, tmp_path):
    store.store["/bucket/in/deep/../../../out.png"] = store.store["/bucket/in/deep/0.png"]  # as S3 takes any key
    try:
        with pytest.raises(DataError, match=r"a name that leads out of it: deep/../../../out.png"):
            glyphsr.upscale_files("memory://bucket/in", tmp_path / "a" / "b", recursive=True, **OPTIONS)
    finally:
        del store.store["/bucket/in/deep/../../../out.png"]
    assert not list(tmp_path.rglob("*.png"))


def tar_of(path, size, *, mode="w", kind=tarfile.REGTYPE):
    """A shard whose one file is of so many bytes."""
    with tarfile.open(path, mode) as tar:
        info = tarfile.TarInfo("a.txt")
        info.size, info.type = size, kind
        tar.addfile(info, io.BytesIO(bytes(size)))
    return path


def test_a_shard_takes_no_more_than_its_limit(tmp_path, monkeypatch):
    monkeypatch.setenv("GLYPHSR_MAX_SHARD_BYTES", "1000000")
    found = glyphsr.upscale_files(tar_of(tmp_path / "large.tar", 1_100_000), tmp_path / "out", **OPTIONS)
    assert "at most 1,000,000 (GLYPHSR_MAX_SHARD_BYTES" in found.pictures[0].error

    sparse = bytearray(tar_of(tmp_path / "s.tar", 512).read_bytes())  # a file of 1 TB that holds 512 bytes
    sparse[156:157] = tarfile.GNUTYPE_SPARSE
    sparse[386 : 386 + 24] = b"%011o\0%011o\0" % (0, 512)
    sparse[483:495] = b"\x80" + (1 << 40).to_bytes(11, "big")
    sparse[148:156] = b" " * 8
    sparse[148:156] = b"%06o\0 " % sum(sparse[:512])
    (tmp_path / "sparse.tar").write_bytes(sparse)
    found = glyphsr.upscale_files(tmp_path / "sparse.tar", tmp_path / "out", **OPTIONS)
    assert "1,099,511,627,776 bytes in a tar file" in found.pictures[0].error

    packed = tar_of(tmp_path / "packed.tar", 500_000, mode="w:gz")  # which could unpack to anything
    found = glyphsr.upscale_files(packed, tmp_path / "out", **OPTIONS)
    assert found.pictures[0].status == "failed"
    assert not (tmp_path / "out" / "packed.tar").exists()


def test_a_picture_of_a_store_that_tells_no_size_is_limited(store, monkeypatch, tmp_path):
    monkeypatch.setattr(type(store), "size", lambda *_: None)
    monkeypatch.setenv("GLYPHSR_MAX_PICTURE_BYTES", "50")
    found = glyphsr.upscale_files("memory://bucket/in/deep/0.png", tmp_path / "out", **OPTIONS)
    assert "GLYPHSR_MAX_PICTURE_BYTES" in found.pictures[0].error
