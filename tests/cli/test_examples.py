"""The example pages: what the README shows works as it says, on pictures of our own."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from glyphsr.images.text_boxes import read_boxes
from glyphsr.upscaling.line_search import can_detect
from glyphsr_cli.app import app

EXAMPLES = Path(__file__).parents[2] / "examples"
PAGES = ("street", "receipt", "scan")


def upscale(*arguments):
    return CliRunner().invoke(app, ["upscale", *map(str, arguments)])


@pytest.mark.parametrize("name", PAGES)
def test_a_page_with_its_boxes(name, tmp_path):
    picture, boxes = EXAMPLES / f"{name}.png", EXAMPLES / f"{name}.json"
    args = ("--mode", "page", "--boxes", boxes, "--save-regions", tmp_path / "lines", "--device", "cpu")
    result = upscale(picture, "-o", tmp_path / "out.png", "--report", tmp_path / "r.json", *args)
    assert result.exit_code == 0, result.stderr
    regions = json.loads((tmp_path / "r.json").read_text())["pictures"][0]["regions"]
    lines = read_boxes(boxes)
    assert [region["action"] for region in regions] == ["enlarged"] * len(lines)
    assert len(list((tmp_path / "lines").iterdir())) == len(lines)
    before, after = (
        np.asarray(Image.open(picture), np.float32),
        np.asarray(Image.open(tmp_path / "out.png"), np.float32),
    )
    plain = cv2.resize(before, None, fx=2, fy=2, interpolation=cv2.INTER_LANCZOS4).clip(0, 255)
    mask = np.zeros(plain.shape[:2], np.uint8)
    for line in lines:
        cv2.fillConvexPoly(mask, (2 * line.quad).round().astype(np.int32), 1)
    near = cv2.dilate(mask, np.ones((19, 19), np.uint8)).astype(bool)
    change = np.abs(after - plain).max(axis=2)
    assert change[~near].max() <= 1  # rounding; nothing but text changes
    assert change[mask.astype(bool)].max() > 40


@pytest.mark.skipif(not can_detect(), reason="needs the ocr extra")
def test_lines_of_a_page_are_found(tmp_path):
    result = upscale(EXAMPLES / "scan.png", "-o", tmp_path / "out.png", "--report", tmp_path / "r.json")
    assert result.exit_code == 0, result.stderr
    picture = json.loads((tmp_path / "r.json").read_text())["pictures"][0]
    assert len(picture["regions"]) == len(read_boxes(EXAMPLES / "scan.json"))
