"""Photographs: lines are cut out straight, upscaled and put back; everything else is plain enlargement."""

import json
import re
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest
from PIL import Image

import glyphsr
from glyphsr.errors import ConfigError, DataError
from glyphsr.images.perspective import cut_out, put_back, size_of, widen
from glyphsr.images.resize import resize
from glyphsr.images.text_boxes import TextBox, box_of, read_boxes
from glyphsr.upscaling import line_search, pages
from glyphsr.upscaling.hocr import render_hocr
from glyphsr.upscaling.pages import PageUpscaler, is_page
from glyphsr.upscaling.report import PictureReport, RegionReport, UpscaleRun
from glyphsr.upscaling.upscaler import Upscaler

from ..conftest import draw_word


def box(x, y, width, height, text=None):
    return TextBox(np.array([(x, y), (x + width, y), (x + width, y + height), (x, y + height)], np.float64), text)


@pytest.fixture(scope="module")
def page():
    """A wall with two words on it, and where they are."""
    rng = np.random.default_rng(3)
    scene = np.full((200, 320, 3), 150, np.float32) + 20 * cv2.resize(
        rng.standard_normal((10, 16, 3)).astype(np.float32), (320, 200)
    )
    boxes = []
    for text, x, y in (("HOTEL", 30, 20), ("OPEN", 180, 120)):
        word = draw_word(text, 20).astype(np.float32)
        scene[y : y + word.shape[0], x : x + word.shape[1]] = word
        boxes.append(box(x, y, word.shape[1], word.shape[0], text))
    return cv2.GaussianBlur(scene, (0, 0), 1.2).clip(0, 255) / 255, boxes


def upscaled(picture, boxes, **options):
    limits = {"min_text_height": 6, "max_text_height": 96} | options.pop("limits", {})
    return PageUpscaler(Upscaler(device="cpu", **options), **limits).upscale(picture, (400, 640), boxes)


def plain(picture):
    return cv2.resize(picture, (640, 400), interpolation=cv2.INTER_LANCZOS4).clip(0, 1)


def test_nothing_but_text_changes(page):
    picture, boxes = page
    found = upscaled(picture, boxes)
    assert [region.action for region in found.regions] == ["enlarged", "enlarged"]
    changed = np.abs(found.rgb - plain(picture)).max(axis=2) > 1e-6
    inside = np.zeros((400, 640), bool)
    for own in boxes:
        (x0, y0), (x1, y1) = 2 * own.quad[0] - 8, 2 * own.quad[2] + 8
        inside[int(y0) : int(y1), int(x0) : int(x1)] = True
    assert not changed[~inside].any()
    assert changed[inside].mean() > 0.3
    assert found.change == pytest.approx(np.abs(found.rgb - plain(picture)).mean(), rel=0.05)


def test_no_strength_is_no_change_anywhere(page):
    picture, boxes = page
    assert np.allclose(upscaled(picture, boxes, strength=0.0).rgb, plain(picture), atol=1e-6)


def test_which_lines_are_left_alone(page):
    picture, _ = page
    boxes = [box(10, 10, 50, 4), box(0, 0, 300, 150), box(400, 10, 50, 20), box(10, 10, 10, 40), box(-30, 185, 80, 30)]
    found = upscaled(picture, boxes)
    assert [region.action for region in found.regions] == [
        "smaller than 6 pixels",
        "larger than 96 pixels",
        "outside the picture",
        "upright",
        "enlarged",  # it crosses the border
    ]
    assert np.isfinite(found.rgb).all()
    alone = upscaled(picture, boxes[:4])
    assert np.allclose(alone.rgb, plain(picture), atol=1e-6)
    assert alone.change == 0


def test_lines_that_overlap_are_not_changed_twice(page):
    picture, boxes = page
    once = upscaled(picture, boxes[:1])
    twice = upscaled(picture, [boxes[0], boxes[0]])
    assert np.abs(twice.rgb - once.rgb).max() < 0.3 * np.abs(once.rgb - plain(picture)).max() + 0.02
    nested = upscaled(picture, [boxes[0], box(40, 22, 30, 14)])
    assert np.abs(nested.rgb - plain(picture)).max() < 2 * np.abs(once.rgb - plain(picture)).max() + 0.02


@pytest.mark.parametrize("scale", [1, 2, 3])
def test_changes_stay_in_place_at_any_scale(scale):
    """A network that shifts brightness alone must leave no ghost of an edge."""
    height, width = 60, 200
    ramp = np.tile(np.linspace(0.2, 0.8, width, dtype=np.float32)[None, :, None], (height, 1, 3))
    quad = box(20, 15, 140, 24).quad - 0.5
    large = resize(ramp, (height * scale, width * scale))
    cut = resize(cut_out(ramp, quad), (24 * scale, 140 * scale))
    black, taken = np.zeros_like(large), np.zeros(large.shape[:2], np.float32)
    put_back(black, taken, cut, (quad + 0.5) * scale - 0.5)
    full = taken > 0.999
    assert full.sum() > 0.5 * 24 * 140 * scale**2
    step = 0.6 / (width - 1) / scale  # of brightness in a pixel of the result
    assert np.abs(black[full] - large[full]).max() < 0.3 * step + 1e-4


def test_reducing_a_page_averages():
    checked = np.indices((200, 320)).sum(axis=0)[..., None].repeat(3, axis=2).astype(np.float32) % 2
    small = PageUpscaler(Upscaler(device="cpu"), min_text_height=6, max_text_height=96).upscale(checked, (50, 80), [])
    assert np.allclose(small.rgb, 0.5, atol=0.01)


def test_a_turned_line_is_cut_out_straight():
    word = draw_word("HOTEL", 24).astype(np.float32) / 255
    scene = np.full((200, 200, 3), 0.5, np.float32)
    height, width = word.shape[:2]
    angle = np.deg2rad(25)
    turn = np.array([(np.cos(angle), -np.sin(angle)), (np.sin(angle), np.cos(angle))])
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float64)
    quad = corners @ turn.T + (60, 50) - 0.5
    place = cv2.getPerspectiveTransform((corners - 0.5).astype(np.float32), quad.astype(np.float32))
    cv2.warpPerspective(word, place, (200, 200), scene, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_TRANSPARENT)
    found = cut_out(scene, quad)
    assert found.shape == word.shape
    assert np.abs(found - word)[3:-3, 3:-3].mean() < 0.03
    assert size_of(quad) == pytest.approx((height, width))


def test_a_change_comes_back_to_where_it_was_cut():
    rng = np.random.default_rng(0)
    picture = cv2.GaussianBlur(rng.random((80, 120, 3)).astype(np.float32), (0, 0), 2)
    quad = widen(box(30, 20, 50, 20).quad)
    black, taken = np.zeros_like(picture), np.zeros(picture.shape[:2], np.float32)
    put_back(black, taken, cut_out(picture, quad), quad)
    assert np.allclose(black[25:35, 40:70], picture[25:35, 40:70], atol=0.01)
    assert taken.max() <= 1
    assert not black[:, :20].any()


def test_one_line_that_fills_its_picture_is_no_page():
    assert not is_page([], (200, 300))
    assert not is_page([box(0, 10, 200, 60)], (80, 200))
    assert is_page([box(0, 10, 100, 20)], (200, 300))
    assert is_page([box(0, 10, 200, 60), box(0, 90, 200, 60)], (160, 200))
    assert not is_page([box(0, 10, 80, 60), box(120, 14, 80, 58)], (80, 200))  # one line, parted at a gap


@pytest.mark.parametrize(
    ("value", "corner"),
    [
        ([1, 2, 11, 22], [11, 22]),
        ([[1, 2], [11, 2], [11, 22], [1, 22]], [11, 22]),
        ([1, 2, 11, 2, 11, 22, 1, 22], [11, 22]),
        ({"points": [[1, 2], [11, 2], [11, 22], [1, 22]], "transcription": "x"}, [11, 22]),
    ],
)
def test_boxes_in_every_form(value, corner):
    assert box_of(value).quad[2].tolist() == corner


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not JSON"),
        ('{"a": 1}', "expected a list of"),
        ("[[1, 2, 3]]", "box 1: expected a list of"),
        ("[[1, 2, 11, 22], [11, 22, 1, 2, 3]]", "box 2"),
        ("[[11, 22, 1, 2]]", None),
        ("[[1, 22, 11, 2]]", "clockwise from the upper left"),
        ("[[[0, 0], [100, 20], [100, 0], [0, 30]]]", "convex box"),
        ("[[1" + "0" * 400 + ", 0, 1, 1]]", "box 1: expected a list of"),
        ('[{"box": [1, 2, 11, 22], "text": 5}]', "text: expected a string"),
    ],
)
def test_bad_boxes_are_named(text, said, tmp_path):
    path = tmp_path / "boxes.json"
    path.write_text(text)
    if said is None:  # both corners exchanged is the same box, turned by half a circle
        assert len(read_boxes(path)) == 1
        return
    with pytest.raises(DataError, match=said):
        read_boxes(path)


def test_files_reports_and_regions(page, tmp_path):
    picture, boxes = page
    Image.fromarray((picture * 255).astype(np.uint8)).save(tmp_path / "wall.png")
    (tmp_path / "boxes.json").write_text(json.dumps([{"points": own.quad.tolist()} for own in boxes]))
    for ending in ("json", "csv", "hocr"):
        run = glyphsr.upscale_files(
            tmp_path / "wall.png",
            tmp_path / "out.png",
            boxes=str(tmp_path / "boxes.json"),
            save_regions=str(tmp_path / "regions"),
            guard="warn",
            guard_reader="crnn-synth",
            overwrite=True,
            report=tmp_path / f"report.{ending}",
        )
    assert run.exit_code == 0
    assert sorted(path.name for path in (tmp_path / "regions").iterdir()) == ["out-01.png", "out-02.png"]
    row = json.loads((tmp_path / "report.json").read_text())["pictures"][0]
    assert [region["action"] for region in row["regions"]] == ["enlarged", "enlarged"]
    assert row["regions"][0]["guard_reader"] == "crnn-synth"
    again = read_boxes(tmp_path / "report.json")
    assert [own.quad.tolist() for own in again] == [own.quad.tolist() for own in boxes]
    hocr = (tmp_path / "report.hocr").read_text()
    assert hocr.count('class="ocr_line"') == 2
    assert hocr.count('class="ocrx_word"') >= 2
    assert "bbox 0 0 640 400" in hocr
    with pytest.raises(ConfigError, match="--text: is what one picture says"):
        glyphsr.upscale_files([tmp_path / "wall.png", tmp_path / "out.png"], tmp_path / "many", text="HOTEL")
    kept = glyphsr.upscale_files(
        tmp_path / "wall.png",
        tmp_path / "out2.png",
        boxes=str(tmp_path / "boxes.json"),
        text="HOTEL",
        guard_reader="crnn-synth",
        save_regions=str(tmp_path / "regions2"),
    )
    assert "--text is not used, since there are 2 lines" in kept.pictures[0].note
    (tmp_path / "regions2" / "out3-01.png").write_bytes(b"mine")
    refused = glyphsr.upscale_files(
        tmp_path / "wall.png",
        tmp_path / "out3.png",
        boxes=str(tmp_path / "boxes.json"),
        save_regions=str(tmp_path / "regions2"),
    )
    assert refused.exit_code == 1
    assert "out3-01.png: exists already" in refused.pictures[0].error
    assert (tmp_path / "regions2" / "out3-01.png").read_bytes() == b"mine"
    assert not (tmp_path / "out3.png").exists()
    assert "regions" in (tmp_path / "report.csv").read_text().splitlines()[0]


def test_a_page_without_text_is_enlarged_plainly(tmp_path):
    Image.new("RGB", (90, 80), (90, 120, 90)).save(tmp_path / "wall.png")
    (tmp_path / "boxes.json").write_text("[]")
    run = glyphsr.upscale_files(tmp_path / "wall.png", tmp_path / "o.png", boxes=str(tmp_path / "boxes.json"))
    assert run.exit_code == 0
    assert run.pictures[0].method == "lanczos"
    assert "no text found" in run.pictures[0].note
    with Image.open(tmp_path / "o.png") as image:
        assert image.size == (180, 160)


def test_the_missing_extra_is_named(tmp_path, monkeypatch):
    Image.new("RGB", (90, 80)).save(tmp_path / "wall.png")
    monkeypatch.setattr(line_search, "can_detect", lambda: False)
    with pytest.raises(ConfigError, match="pip install rapidocr onnxruntime, or give --boxes"):
        glyphsr.upscale_files(tmp_path / "wall.png", mode="page")


def test_lines_are_found_by_themselves(page, tmp_path):
    pytest.importorskip("rapidocr")
    pytest.importorskip("onnxruntime")
    picture, _ = page
    Image.fromarray((picture * 255).astype(np.uint8)).save(tmp_path / "wall.png")
    run = glyphsr.upscale_files(tmp_path / "wall.png", tmp_path / "o.png")
    assert run.pictures[0].regions is not None  # auto takes it for a page
    assert len(run.pictures[0].regions) == 2
    line = glyphsr.upscale_files(tmp_path / "wall.png", tmp_path / "l.png", mode="line")
    assert line.pictures[0].regions is None


def test_what_the_guard_took_back_is_not_said_to_be_there():
    region = RegionReport(
        [[-5.0, 0.0], [50.0, 0.0], [50.0, 20.0], [-5.0, 20.0]],
        20.0,
        "enlarged",
        prior_text="COMING",
        guard_reader="crnn-synth",
        read_before="COMING",
        read_before_confidence=0.98,
        read_after="COMINO",
        read_after_confidence=0.91,
        guard="reverted",
    )
    size = {"width": 100, "height": 40, "output_width": 200, "output_height": 80}
    hocr = render_hocr(UpscaleRun((PictureReport("a.png", "b.png", "done", regions=(region,), **size),), None, 0.0))
    assert re.search(r'class="ocr_line" id="line_1_1" title="bbox 0 0 100 40; x_wconf 98"', hocr)
    assert re.search(r'class="ocrx_word" id="word_1_1_1" title="bbox 0 0 100 40; x_wconf 98">COMING<', hocr)
    ElementTree.fromstring(hocr)
    assert "COMINO" not in hocr


def test_hocr_holds_any_name_and_any_text():
    region = RegionReport(
        [[0.0, 0.0], [50.0, 0.0], [50.0, 20.0], [0.0, 20.0]],
        20.0,
        "enlarged",
        guard="kept",
        read_after="A\uffff \ufffe",
        read_after_confidence=0.9,
    )
    size = {"width": 100, "height": 40, "output_width": 100, "output_height": 40}
    picture = PictureReport("a.png", 'my "best"; shot.png', "done", regions=(region,), **size)

    root = ElementTree.fromstring(render_hocr(UpscaleRun((picture,), None, 0.0)))
    (page,) = root.findall(".//*[@class='ocr_page']")
    properties = [part.split(None, 1) for part in page.attrib["title"].split(";")]
    assert [name for name, _ in properties] == ["image", "bbox", "ppageno"]
    assert properties[0][1] == '"my %22best%22%3B shot.png"'


def test_lines_that_come_in_groups_give_the_same_page(page, monkeypatch):
    picture, boxes = page
    together = upscaled(picture, boxes)
    monkeypatch.setattr(pages, "GROUP_PIXELS", 1)
    alone = upscaled(picture, boxes)
    assert np.allclose(alone.rgb, together.rgb, atol=1e-5)
    assert [region.result.rgb.shape for region in alone.regions] == [r.result.rgb.shape for r in together.regions]


def test_lines_that_nobody_asked_for_are_not_kept(page):
    picture, boxes = page
    upscaler = PageUpscaler(Upscaler(device="cpu"), min_text_height=6, max_text_height=96)
    found = upscaler.upscale(picture, (400, 640), boxes, keeps_lines=False)
    assert [region.result.rgb.size for region in found.regions] == [0, 0]
    assert found.regions[0].result.change > 0


def test_the_detector_sees_a_vast_picture_smaller_and_its_lines_are_where_they_were(page, monkeypatch):
    picture, boxes = page
    shown = []

    class Finder:
        def find(self, pixels):
            shown.append(pixels.shape)
            factor = pixels.shape[1] / 320
            return [own.quad * factor for own in boxes]

    upscaler = PageUpscaler(Upscaler(device="cpu"), min_text_height=6, max_text_height=96)
    upscaler.detector = Finder()
    for limit in (64_000, 63_999):
        monkeypatch.setattr(pages, "VAST", limit)
        monkeypatch.setattr(pages, "DETECTOR_PIXELS", 16_000)
        found = upscaler.find(picture)
        assert np.allclose([own.quad for own in found], [own.quad for own in boxes])
    assert shown == [(200, 320, 3), (100, 160, 3)]
