import os
import tempfile

import platformdirs
import pytest

from glyphsr.system import cache

pytestmark = pytest.mark.skipif(os.name != "posix", reason="who owns a folder is asked on POSIX only")


@pytest.fixture(autouse=True)
def homeless(tmp_path, monkeypatch):
    def refuse(_):
        raise RuntimeError("could not determine the home directory")

    monkeypatch.delenv("GLYPHSR_CACHE", raising=False)
    monkeypatch.setattr(platformdirs, "user_cache_dir", refuse)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    cache._below_temporary.cache_clear()
    yield
    cache._below_temporary.cache_clear()


def test_a_user_without_a_home_has_a_private_cache(tmp_path):
    folder = cache.cache_folder()
    assert folder == tmp_path / f"glyphsr-{os.getuid()}"
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_others_may_write_into_is_not_taken_for_it(tmp_path):
    planted = tmp_path / f"glyphsr-{os.getuid()}"
    planted.mkdir()
    planted.chmod(0o777)
    assert cache.cache_folder() != planted
    assert cache.cache_folder().stat().st_mode & 0o777 == 0o700
