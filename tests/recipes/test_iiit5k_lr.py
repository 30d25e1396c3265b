"""IIIT5K-LR from files as IIIT 5K-Word has them."""

import json
import runpy
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy.io import savemat

from glyphsr.data.lmdb_pairs import PairedLmdb

RECIPE = Path(__file__).parents[2] / "recipes" / "iiit5k_lr.py"


def run(*arguments: object) -> None:
    sys.argv = [str(RECIPE), *map(str, arguments)]
    runpy.run_path(str(RECIPE), run_name="__main__")


@pytest.fixture
def archive(tmp_path, monkeypatch):
    """Three training and six test words of the official organisation, each with its own grey."""
    monkeypatch.setattr(sys, "argv", sys.argv)
    root = tmp_path / "IIIT5K"
    for part, count in (("train", 3), ("test", 6)):
        (root / part).mkdir(parents=True)
        names = [f"{part}/{i}_1.png" for i in range(count)]
        for i, name in enumerate(names):
            picture = np.full((120 if part == "train" else 48, 150, 3), 200, np.uint8)
            picture[10:40, 20:80] = 20 + 10 * i
            cv2.imwrite(str(root / name), picture)
        word = np.array([(name, f"Ab{i}") for i, name in enumerate(names)], [("ImgName", "O"), ("GroundTruth", "O")])
        boxes = np.array([[15.0, 12, 30, 24], [45, 12, 30, 24], [75, 12, 30, 24]])
        kinds = [("ImgName", "O"), ("chars", "O"), ("charBB", "O")]
        box = np.array([(name, f"Ab{i}", boxes) for i, name in enumerate(names)], kinds)
        savemat(root / f"{part}data.mat", {f"{part}data": word})
        savemat(root / f"{part}CharBound.mat", {f"{part}CharBound": box})
    return root


def test_makes_every_part(archive, tmp_path):
    out = tmp_path / "lr"
    run(archive, "--out", out, "--count", 2)

    labels = []
    for level in ("easy", "medium", "hard"):
        pairs = PairedLmdb(out / "test" / level)
        labels += [pairs[i].label for i in range(len(pairs))]
        assert (pairs[0].hr.shape[0], pairs[0].lr.shape[0]) == (32, 16)
        assert pairs[0].hr.shape[1] == 2 * pairs[0].lr.shape[1] == 100
        assert not np.array_equal(cv2.resize(pairs[0].hr, (50, 16), interpolation=cv2.INTER_AREA), pairs[0].lr)
    assert sorted(labels) == [f"Ab{i}" for i in range(6)]  # no word twice

    assert len(PairedLmdb(out / "train")) == 3
    first = json.loads((out / "train-hr" / "annotations.json").read_text())[0]
    assert first["label"] == "Ab0"
    assert first["char_boxes"][1] == [36.0, 9.6, 24.0, 19.2]  # 120 rows became 96
    assert cv2.imread(str(out / "train-hr" / first["file"])).shape == (96, 120, 3)


def test_says_what_is_wrong(archive, tmp_path):
    with pytest.raises(SystemExit, match="at most 2"):
        run(archive, "--out", tmp_path / "lr", "--count", 3)
    with pytest.raises(SystemExit, match="no traindata"):
        run(tmp_path, "--out", tmp_path / "lr")
