import shutil

import pytest

from glyphsr.errors import ConfigError
from glyphsr.ocr.engine import ENGINES, open_engine

from ..conftest import draw_word


def engine_or_skip(name):
    try:
        return open_engine(name)
    except ConfigError as error:  # an extra, and tesseract a program besides
        pytest.skip(str(error))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ENGINES)
def test_engines_read_a_clear_word(name):
    engine = engine_or_skip(name)
    reading, again = engine.read([draw_word("HOTEL", 48), draw_word("HOTEL", 48)])
    assert reading.text.upper() == "HOTEL"
    assert reading == again
    assert 0 < reading.confidence <= 1
    assert any(character.isdigit() for character in engine.version)


def test_a_missing_package_is_one_line_with_the_line_that_installs_it(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    monkeypatch.setitem(sys.modules, "rapidocr", None)
    monkeypatch.setitem(sys.modules, "pytesseract", None)
    for name in ENGINES:
        with pytest.raises(ConfigError, match=r"pip install 'glyphsr\[ocr\]'"):
            open_engine(name)


@pytest.mark.skipif(shutil.which("tesseract") is None, reason="compares with the program being away")
def test_a_missing_program_is_named_with_its_packages(monkeypatch):
    pytesseract = pytest.importorskip("pytesseract")
    monkeypatch.setattr(pytesseract.pytesseract, "tesseract_cmd", "no-such-tesseract")
    pytesseract.get_tesseract_version.cache_clear() if hasattr(
        pytesseract.get_tesseract_version, "cache_clear"
    ) else pytesseract.pytesseract.get_tesseract_version.__dict__.clear()
    with pytest.raises(ConfigError, match="apt install tesseract-ocr"):
        open_engine("tesseract")
