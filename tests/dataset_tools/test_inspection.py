import json
import shutil

from glyphsr.data.lmdb_writer import write_pairs
from glyphsr.data.sources import SAMPLE_ROOT
from glyphsr.dataset_tools.inspection import inspect, verify

from ..helpers.lmdb import change


def test_verify_names_every_broken_sample_and_everything_wrong_with_it(tiny_lmdb, tmp_path):
    shutil.copytree(tiny_lmdb, tmp_path / "set")
    assert verify(tmp_path / "set") == (4, [])
    shutil.copytree(tiny_lmdb, tmp_path / "broken")
    change(
        tmp_path / "broken",
        {
            b"image_hr-000000001": b"xx",
            b"label-000000001": b"\xff",
            b"image_lr-000000002": None,
            b"label-000000003": b"",
            b"label-000000005": b"more",
        },
    )
    total, bad = verify(tmp_path / "broken")
    assert total == 4
    assert [item.id[-1] for item in bad] == ["1", "1", "2", "3", "5"]
    assert [
        word in item.problem
        for item, word in zip(
            bad,
            ["readable", "UTF-8", "no 'image_lr", "empty", "num-samples says 4, but the last sample is 5"],
            strict=True,
        )
    ] == [True] * 5


def test_verify_reads_masks_too(tmp_path):
    shutil.copytree(SAMPLE_ROOT / "train-glyphs", tmp_path / "masks")
    assert verify(SAMPLE_ROOT / "train-glyphs") == (28, [])
    change(tmp_path / "masks", {b"glyph_chars-000000002": b"xx", b"glyph_meta-000000005": None})
    total, bad = verify(tmp_path / "masks")
    assert total == 28
    assert [item.id for item in bad] == ["masks/000002", "masks/000005"]
    assert "not a readable picture" in bad[0].problem


def test_inspect_counts_and_draws(tiny_lmdb):
    found, sheet = inspect(tiny_lmdb, sheet=3)
    assert (found.samples, found.label_length.largest, found.hr_height.median) == (4, 8, 32)
    assert found.encodings == {"hr png": 4, "lr png": 4}
    assert found.alphabet["4"] == 1
    assert sheet.ndim == 3
    assert sheet.std() > 10
    json.dumps(found.as_dict())


def test_an_inflated_count_is_one_problem(tiny_lmdb, tmp_path):
    shutil.copytree(tiny_lmdb, tmp_path / "set")
    change(tmp_path / "set", {b"num-samples": b"300000"})
    total, bad = verify(tmp_path / "set")
    assert (total, len(bad)) == (300_000, 1)
    assert "num-samples says 300000, but the last sample is 4" in bad[0].problem
    write_pairs(tmp_path / "empty", [])
    assert "no samples" in verify(tmp_path / "empty")[1][0].problem
