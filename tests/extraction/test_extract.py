import json
import os
import shutil

import numpy as np
import pytest
from PIL import Image

from glyphsr.config.extraction import ExtractConfig
from glyphsr.data.glyph_lmdb import GlyphLmdb
from glyphsr.data.hr_images import LmdbWords
from glyphsr.data.sources import SAMPLE_ROOT
from glyphsr.errors import ConfigError
from glyphsr.extraction import dataset_run
from glyphsr.extraction.extract import extract, extract_glyphs
from glyphsr.extraction.localizers import ComponentInfo

from ..helpers.drawn_words import INK_ONLY
from ..helpers.lmdb import changed, values

INK = INK_ONLY

pytestmark = pytest.mark.usefixtures("small_chunks")


def test_a_set_becomes_a_glyph_lmdb_and_stays_as_it_was(many, tmp_path):
    before = (many / "data.mdb").read_bytes()
    run = extract(str(many), tmp_path / "glyphs", config=INK)
    report = run.reports[0]
    assert (run.exit_code, report.complete, report.words, report.extracted) == (0, True, 20, 20)
    assert report.characters == sum(len(GlyphLmdb(tmp_path / "glyphs")[i].text) for i in range(20))
    assert report.quality["p50"] > 0.5
    assert (many / "data.mdb").read_bytes() == before
    assert sorted(p.name for p in many.iterdir()) == ["data.mdb"]
    assert not (tmp_path / "glyphs.parts").exists()
    manifest = GlyphLmdb(tmp_path / "glyphs").manifest()
    assert manifest["segmenter"] == {"name": "ink"}
    assert manifest["localizer"] == {"name": "cuts"}
    assert manifest["parameters"]["steps"] == [2.0, 4.0]
    assert manifest["parameters"]["threshold"] == 0.8
    assert manifest["source"]["samples"] == 20


def test_what_is_read_back_is_what_python_gives(many, tmp_path):
    extract(str(many), tmp_path / "glyphs", config=INK)
    source, glyphs = LmdbWords(many), GlyphLmdb(tmp_path / "glyphs")
    for i in range(5):
        sample = source.read(i)
        expected = extract_glyphs(sample.hr, sample.label, segmenter="ink", localizer="cuts")
        assert np.array_equal(glyphs[i].chars, expected.chars)
        assert np.array_equal(glyphs[i].line, expected.line)
        assert glyphs[i].glyphs == expected.glyphs


def test_the_default_place_is_beside_the_source(many, tmp_path):
    shutil.copytree(many, tmp_path / "easy")
    assert extract(str(tmp_path / "easy"), config=INK).reports[0].out == str(tmp_path / "easy-glyphs")


def test_the_sample_set_is_never_written_beside(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GLYPHSR_DATA", raising=False)
    report = extract("easy", config=INK).reports[0]
    assert report.out == "easy-glyphs"
    assert (tmp_path / "easy-glyphs" / "data.mdb").is_file()
    assert "sample set" in report.notices[0]


def test_what_is_done_is_not_done_again(many, tmp_path):
    out = tmp_path / "glyphs"
    extract(str(many), out, config=INK)
    stamp = (out / "data.mdb").stat().st_mtime_ns
    report = extract(str(many), out, config=INK).reports[0]
    assert (report.extracted, report.words, report.complete) == (0, 20, True)
    assert (out / "data.mdb").stat().st_mtime_ns == stamp


@pytest.mark.parametrize("finished", [True, False])
def test_other_parameters_are_refused_and_named(many, tmp_path, finished):
    out = tmp_path / "glyphs"
    extract(str(many), out, shard=None if finished else "1/2", config=INK)
    other = INK.model_copy(update={"threshold": 0.7})
    with pytest.raises(ConfigError, match=r"parameters\.threshold is 0\.8 there, 0\.7 here; --overwrite"):
        extract(str(many), out, config=other)
    assert extract(str(many), out, config=other, overwrite=True).reports[0].extracted == 20
    assert GlyphLmdb(out).manifest()["parameters"]["threshold"] == 0.7


def test_another_source_is_refused(many, tmp_path):
    extract(str(many), tmp_path / "glyphs", config=INK)
    other = changed(many, tmp_path / "train", {b"label-000000001": b"ash"})
    with pytest.raises(ConfigError, match=r"source\.fingerprint"):
        extract(str(other), tmp_path / "glyphs", config=INK)


@pytest.mark.parametrize("what", ["file", "folder", "lmdb"])
def test_what_is_no_result_of_ours_is_never_replaced(many, tmp_path, what):
    out = tmp_path / "precious"
    if what == "file":
        out.write_text("novel")
    elif what == "folder":
        out.mkdir()
        (out / "novel.txt").write_text("novel")
    else:
        shutil.copytree(many, out)
    for overwrite in (False, True):
        with pytest.raises(ConfigError, match="nothing is replaced"):
            extract(str(many), out, config=INK, overwrite=overwrite)
    assert out.is_file() or list(out.iterdir())


def test_bad_words_have_reasons_and_the_others_masks(many, tmp_path):
    encoded = np.zeros((32, 60, 3), np.uint8)
    blank = tmp_path / "blank.png"
    Image.fromarray(encoded).save(blank)
    path = changed(
        many,
        tmp_path / "train",
        {
            b"image_hr-000000001": b"no picture",
            b"label-000000002": b"",
            b"label-000000003": b"x" * 500,
            b"image_hr-000000004": blank.read_bytes(),
            b"label-000000005": b"\xff\xfe",
            b"label-000000006": "é中".encode(),
        },
    )
    run = extract(str(path), tmp_path / "glyphs", config=INK)
    glyphs = GlyphLmdb(tmp_path / "glyphs")
    reasons = [glyphs[i].rejected for i in range(6)]
    assert reasons == ["unreadable", "empty_label", "too_long", "blank", "unreadable", None]
    assert run.reports[0].rejected == {"unreadable": 2, "empty_label": 1, "too_long": 1, "blank": 1}
    assert run.exit_code == 3
    assert len(run.problems) == 2
    assert all(glyphs[i].rejected is None for i in range(6, 20))


@pytest.mark.parametrize("name", ["glyphs", "glyphs.partial"])
def test_what_is_in_the_way_is_known_before_the_work(many, tmp_path, name):
    extract(str(many), tmp_path / "glyphs", config=INK)
    (tmp_path / name).mkdir(exist_ok=True)
    (tmp_path / name / "novel.txt").write_text("novel")
    seen = []
    with pytest.raises(ConfigError, match=r"novel\.txt|is in the way"):
        extract(
            str(many),
            tmp_path / "glyphs",
            config=INK.model_copy(update={"threshold": 0.7}),
            overwrite=True,
            progress=lambda *news: seen.append(news),
        )
    assert not seen


def test_a_set_that_is_smaller_than_it_says_is_noted(many, tmp_path):
    path = changed(many, tmp_path / "train", {b"num-samples": b"90"})
    report = extract(str(path), tmp_path / "glyphs", config=INK).reports[0]
    assert "num-samples says 90, 20 are there" in report.notices[0]


def test_the_source_is_known_by_where_it_is_not_by_how_it_is_written(many, tmp_path, monkeypatch):
    shutil.copytree(many, tmp_path / "easy")
    monkeypatch.chdir(tmp_path / "easy")
    assert extract(".", config=INK).reports[0].out == str(tmp_path / "easy-glyphs")
    assert extract(str(tmp_path / "easy"), config=INK).reports[0].extracted == 0
    with pytest.raises(ConfigError, match="lies in the source"):
        extract(".", tmp_path / "easy" / "sub", config=INK)
    with pytest.raises(ConfigError, match="lies in the package"):
        extract(".", SAMPLE_ROOT / "easy" / "sub", config=INK)
    with pytest.raises(ConfigError, match="expected the name of a folder"):
        extract(".", tmp_path.__class__("/"), config=INK)
    with pytest.raises(ConfigError, match="nothing is replaced"):
        extract(str(many), tmp_path.__class__("."), config=INK)


def test_names_that_are_no_utf8_are_names(many, tmp_path, whole):
    source, out = tmp_path / os.fsdecode(b"tr\xff" + b"ain"), tmp_path / os.fsdecode(b"gl\xfeyphs")
    shutil.copytree(many, source)
    assert extract(str(source), out, config=INK).reports[0].complete
    assert len(values(out)) == len(whole)


def test_a_set_of_which_nothing_can_be_read_is_a_failure_each_time(tmp_path, named_words):
    for file in named_words.iterdir():
        file.write_bytes(b"no picture")
    for _ in range(2):
        run = extract(str(named_words), tmp_path / "glyphs", config=INK)
        assert (run.exit_code, len(run.problems)) == (1, 4)
        assert "not a readable picture" in run.problems[0]


def test_nothing_but_ink_needs_no_device(many, monkeypatch):
    monkeypatch.setattr("glyphsr.system.devices.resolve_device", None)
    ink, cuts = ComponentInfo({"name": "ink"}), ComponentInfo({"name": "cuts"})
    assert dataset_run._device_of(ExtractConfig(), cuts, ink) == "cpu"


def test_folders_are_sources_too(named_words, tmp_path):
    report = extract(str(named_words), tmp_path / "glyphs", config=INK).reports[0]
    assert report.words == 4
    assert not report.rejected


def test_a_preview_shows_words_and_reasons(many, tmp_path):
    report = extract(str(many), tmp_path / "glyphs", config=INK, preview=7).reports[0]
    with Image.open(report.preview) as sheet:
        assert sheet.size[0] > 1000
        assert np.asarray(sheet).std() > 10


def test_the_limit_is_a_parameter(many, tmp_path):
    config = INK.model_copy(update={"limit": 3})
    assert extract(str(many), tmp_path / "glyphs", config=config).reports[0].words == 3
    assert len(GlyphLmdb(tmp_path / "glyphs")) == 3
    with pytest.raises(ConfigError, match="samples is 3 there"):
        extract(str(many), tmp_path / "glyphs", config=INK)


def test_the_source_itself_is_no_place(many):
    with pytest.raises(ConfigError, match="lies in the source"):
        extract(str(many), many, config=INK, overwrite=True)


def test_metas_are_the_documented_json(many, tmp_path):
    extract(str(many), tmp_path / "glyphs", config=INK)
    meta = json.loads(values(tmp_path / "glyphs")[b"glyph_meta-000000001"])
    assert meta["text"] == "oak"
    assert {"char", "points", "anchor", "confidence", "iou", "fallback", "source"} == set(meta["glyphs"][0])
    assert len(meta["glyphs"][0]["points"]) == 2
