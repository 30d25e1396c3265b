import os
import shutil
import sys

import pytest

from glyphsr.errors import ConfigError
from glyphsr.ocr.engine import ENGINES, open_engine

from ..conftest import draw_word


def reads_a_clear_word(engine):
    reading, again = engine.read([draw_word("HOTEL", 48), draw_word("HOTEL", 48)])
    assert reading.text.upper() == "HOTEL"
    assert reading == again
    assert 0 < reading.confidence <= 1
    assert any(character.isdigit() for character in engine.version)


@pytest.mark.filterwarnings("ignore")  # of rapidocr's own dependencies
def test_rapidocr_reads_a_clear_word_and_nothing_in_an_empty_picture():
    engine = open_engine("rapidocr")
    reads_a_clear_word(engine)
    assert engine.read([draw_word(" ", 32)])[0].confidence <= 1


@pytest.mark.filterwarnings("ignore")  # of torch's, by EasyOCR's own code
def test_easyocr_reads_a_clear_word():
    engine = open_engine("easyocr")
    reads_a_clear_word(engine)


def test_tesseract_reads_a_clear_word_or_says_how_to_install_the_program():
    before = dict(os.environ)
    if shutil.which("tesseract"):
        engine = open_engine("tesseract")
        reads_a_clear_word(engine)
        assert engine.read([draw_word("TWO WORDS", 48)])[0].text.startswith("TWO WORDS")
        assert os.environ == before  # a limit on threads that stays makes torch hang in whatever is started next
    else:
        with pytest.raises(ConfigError, match="apt install tesseract-ocr"):
            open_engine("tesseract")


def test_a_missing_package_is_one_line_with_the_line_that_installs_it(monkeypatch):
    for package in ("onnxruntime", "rapidocr", "pytesseract", "easyocr"):
        monkeypatch.setitem(sys.modules, package, None)
    base = "pip install rapidocr onnxruntime"  # of no extra
    for name in ENGINES:
        with pytest.raises(ConfigError, match=base if name == "rapidocr" else r"pip install 'glyphsr\[ocr\]'"):
            open_engine(name)


def test_a_missing_program_is_named_with_its_packages(monkeypatch, tmp_path):
    monkeypatch.setattr("pytesseract.pytesseract.tesseract_cmd", str(tmp_path / "no-such-program"))
    monkeypatch.setattr("pytesseract.get_tesseract_version", _uncached_version())
    with pytest.raises(ConfigError, match="apt install tesseract-ocr"):
        open_engine("tesseract")


def _uncached_version():
    """pytesseract remembers the version it saw first."""
    import pytesseract

    return getattr(pytesseract.get_tesseract_version, "__wrapped__", pytesseract.get_tesseract_version)
