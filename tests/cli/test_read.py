import json
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from glyphsr.guard.guard import FALLBACK_GUARD_READER
from glyphsr_cli.app import app

from ..conftest import draw_word

XHTML, ALTO = "{http://www.w3.org/1999/xhtml}", "{http://www.loc.gov/standards/alto/ns-v4#}"


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    for text in ("Hotel", "ROOM 12"):
        Image.fromarray(draw_word(text, 32)).save(folder / f"{text.lower().replace(' ', '')}.png")
    return folder


@pytest.fixture
def read(tiny_weights):
    def run(*arguments):
        options = ["-w", str(tiny_weights), "-R", FALLBACK_GUARD_READER, "--strength", "0"]
        return CliRunner().invoke(app, ["read", *map(str, arguments), *options])

    return run


def test_one_picture_is_its_text_alone(read, pictures):
    result = read(pictures / "hotel.png")
    assert (result.exit_code, result.stdout) == (0, "Hotel\n")


def test_a_missing_file_is_missing_data(read, pictures, tmp_path):
    assert read(tmp_path / "no.png").exit_code == 4
    assert read(tmp_path / "no.png", pictures / "hotel.png").exit_code == 3


def test_a_folder_is_read_into_one_file_each_and_goes_on(read, pictures, tmp_path):
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "hotel.txt").write_text("mine")
    assert read(pictures, "-o", tmp_path / "texts").exit_code == 0
    assert (tmp_path / "texts" / "hotel.txt").read_text() == "mine"
    assert (tmp_path / "texts" / "room12.txt").read_text() == "ROOM 12\n"


def test_json_has_the_text_before_and_after_and_failures(read, pictures, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"no picture")
    result = read(pictures / "hotel.png", tmp_path / "broken.png", "--json")
    assert result.exit_code == 3
    good, bad = sorted(json.loads(result.stdout)["pictures"], key=lambda picture: picture["error"] or "")
    line = good["lines"][0]
    assert (line["text"], line["before"], line["after"]) == ("Hotel", "Hotel", "Hotel")
    assert "broken.png" in bad["error"]


def test_hocr_and_alto_have_a_box_for_each_word_within_the_picture(read, pictures, tmp_path):
    height, width = draw_word("ROOM 12", 32).shape[:2]
    assert read(pictures / "room12.png", "-o", tmp_path / "r.hocr").exit_code == 0
    words = ET.parse(tmp_path / "r.hocr").getroot().findall(f".//{XHTML}span[@class='ocrx_word']")
    assert [word.text for word in words] == ["ROOM", "12"]

    assert read(pictures / "room12.png", "-o", tmp_path / "r.xml").exit_code == 0
    root = ET.parse(tmp_path / "r.xml").getroot()
    strings = root.findall(f".//{ALTO}String")
    assert [string.get("CONTENT") for string in strings] == ["ROOM", "12"]
    places = np.array([[int(string.get(key)) for key in ("HPOS", "VPOS", "WIDTH", "HEIGHT")] for string in strings])
    assert (places >= 0).all()
    assert (places[:, :2] + places[:, 2:] <= (width, height)).all()
    assert root.find(f".//{ALTO}fileName").text.endswith("room12.png")


@pytest.mark.parametrize("arguments", [["-o", "a.doc"], ["-o", "gone/a.txt"], ["--format", "alto", "-o", "b.xml"]])
def test_what_cannot_be_written_is_said_before_the_work(read, pictures, arguments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = read(pictures, *arguments)
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
