import hashlib
import os

import pytest

from glyphsr.errors import WeightsError
from glyphsr.system.cache import cache_folder
from glyphsr.weights import hashes
from glyphsr.weights.hashes import check, known_hashes, remember


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GLYPHSR_CACHE", str(tmp_path / "cache"))


def test_a_file_is_read_once_and_again_when_it_changed(tmp_path, monkeypatch):
    path = tmp_path / "x.safetensors"
    path.write_bytes(b"weights")
    digest, reads = hashlib.sha256(b"weights").hexdigest(), []
    real = hashes.sha256_of
    monkeypatch.setattr(hashes, "sha256_of", lambda p: reads.append(p) or real(p))
    check(path, digest, "mend it")
    check(path, digest, "mend it")
    assert len(reads) == 1
    path.write_bytes(b"WEIGHTS")
    with pytest.raises(WeightsError, match=r"expected .*; mend it"):
        check(path, digest, "mend it")


def test_the_cache_is_its_user_s_alone_and_survives_damage(tmp_path):
    path = tmp_path / "x.safetensors"
    path.write_bytes(b"weights")
    remember(path)
    assert known_hashes() == {"x.safetensors": hashlib.sha256(b"weights").hexdigest()}
    if os.name == "posix":
        assert cache_folder().stat().st_mode & 0o077 == 0
    (cache_folder() / hashes.HASHES).write_text("[" * 10_000)
    assert known_hashes() == {}
