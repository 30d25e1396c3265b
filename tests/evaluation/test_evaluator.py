import json
import math
import shutil

import lmdb
import numpy as np
import pytest
import torch

import glyphsr
from glyphsr.data.lmdb_writer import write_pairs
from glyphsr.errors import ConfigError, DataError, WeightsError
from glyphsr.evaluation.report import as_csv
from glyphsr.metrics.psnr import batch_psnr
from glyphsr.models.super_resolver import SuperResolver
from glyphsr.ocr.readers import open_reader
from glyphsr.recognizers.crnn.network import CRNN
from glyphsr.types import Sample
from glyphsr.weights.checkpoints import save_checkpoint

from ..conftest import draw_word

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def root(words, tmp_path_factory):
    """Easy, medium and hard of 4, 4 and 2 pairs."""
    path = tmp_path_factory.mktemp("root")
    for name, samples in (("easy", words), ("medium", words), ("hard", words[:2])):
        write_pairs(path / "test" / name, samples)
    return path


@pytest.fixture
def settings(root, crnn_file, tiny_weights):
    return {
        "data_root": str(root),
        "recognizer": (f"crnn={crnn_file}",),
        "weights": (str(tiny_weights),),
        "bootstrap": 50,
        "device": "cpu",
    }


def broken(root, tmp_path, changes):
    """A copy of easy with keys changed (None deletes)."""
    path = tmp_path / "broken"
    shutil.copytree(root / "test" / "easy", path)
    with lmdb.open(str(path), map_size=1 << 22) as target, target.begin(write=True) as transaction:
        for key, value in changes.items():
            if value is None:
                transaction.delete(key.encode())
            else:
                transaction.put(key.encode(), value)
    return path


def test_rows_subsets_and_both_averages(settings):
    report = glyphsr.evaluate(**settings)
    assert [row.name for row in report.rows] == ["bicubic", "tiny.safetensors", "hr"]
    assert report.counts == (4, 4, 2)
    assert [part.name for part in report.parts] == ["easy", "medium", "hard"]
    accuracy = report.score("hr", "crnn").accuracy
    hits = [value * count for value, count in zip(accuracy.parts, report.counts, strict=True)]
    assert accuracy.weighted == pytest.approx(sum(hits) / 10)
    assert accuracy.plain == pytest.approx(sum(accuracy.parts) / 3)
    assert report.exit_code == 0
    assert report.rows[1].strength == 0.5
    assert len(report.rows[1].sha256["tiny.safetensors"]) == 64


def test_paper_psnr_is_pooled_over_batches_and_the_hr_row_is_perfect(settings, words):
    report = glyphsr.evaluate(**settings)
    scores = {score.row: score for score in report.fidelity}
    assert scores["hr"].psnr_db.weighted == math.inf
    assert scores["hr"].ssim.weighted == pytest.approx(1)
    from glyphsr.data.pair_loader import HR_SIZE, LR_SIZE, to_tensor
    from glyphsr.evaluation.methods import enlarge
    from glyphsr.images.resize import resize_like_pil

    lr = to_tensor([resize_like_pil(word.lr, LR_SIZE) for word in words])
    hr = to_tensor([resize_like_pil(word.hr, HR_SIZE) for word in words])
    assert scores["bicubic"].psnr_db.parts[0] == pytest.approx(float(batch_psnr(enlarge(lr), hr)))
    assert scores["bicubic"].psnr_db.parts[0] <= scores["bicubic"].psnr_per_image_db.parts[0]


@pytest.mark.parametrize("protocol", ["paper", "standard"])
def test_strength_zero_is_bicubic_and_full_strength_the_network(settings, protocol, tmp_path):
    for strength, same in ((0.0, True), (1.0, False)):
        report = glyphsr.evaluate(**settings | {"strength": strength, "protocol": protocol})
        ours, bicubic = report.fidelity[1], report.fidelity[0]
        assert (ours.psnr_db.parts == bicubic.psnr_db.parts) == same


def test_batch_size_has_no_influence(settings):
    one, many = (glyphsr.evaluate(**settings | {"batch_size": size}) for size in (1, 48))
    assert one.fidelity[1].psnr_db.weighted == pytest.approx(many.fidelity[1].psnr_db.weighted, abs=1e-4)


def test_standard_protocol_keeps_the_width_and_measures_saved_pictures(settings, root):
    report = glyphsr.evaluate(**settings | {"protocol": "standard", "baseline": ("bicubic", "hr", "lr")})
    assert [row.name for row in report.rows] == ["lr", "bicubic", "tiny.safetensors", "hr"]
    assert [score.row for score in report.fidelity] == ["bicubic", "tiny.safetensors", "hr"]
    assert report.fidelity[0].psnr_db == report.fidelity[0].psnr_per_image_db


def test_per_image_records_add_up_to_the_scores(settings, tmp_path):
    path = tmp_path / "images.jsonl"
    report = glyphsr.evaluate(per_image=path, **settings)
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert len(rows) == 30
    assert {row["protocol"] for row in rows} == {report.protocol}
    for name in ("bicubic", "hr"):
        right = [row["readings"]["crnn"]["correct"] for row in rows if row["row"] == name]
        assert np.mean(right) == pytest.approx(report.score(name, "crnn").accuracy.weighted)
    bicubic = [row["psnr_db"] for row in rows if row["row"] == "bicubic"]
    assert np.mean(bicubic) == pytest.approx(report.fidelity[0].psnr_per_image_db.weighted, abs=1e-4)
    assert rows[-1]["psnr_db"] is None  # infinite, which JSON cannot say
    with pytest.raises(ConfigError, match="exists already"):
        glyphsr.evaluate(per_image=path, **settings)


def test_two_networks_are_compared_with_bicubic_and_with_each_other(settings, tiny_weights):
    report = glyphsr.evaluate(**settings | {"weights": (str(tiny_weights), "compact"), "strength": 1.0})
    pairs = [(item.first, item.second) for item in report.comparisons]
    assert pairs == [("bicubic", "tiny.safetensors"), ("bicubic", "compact"), ("tiny.safetensors", "compact")]
    assert all(0 <= item.p_value <= 1 for item in report.comparisons)


def test_json_and_csv_hold_the_same_numbers_and_no_infinity(settings):
    report = glyphsr.evaluate(**settings)
    document = json.loads(json.dumps(report.as_dict(), allow_nan=False))
    assert document["schema_version"] == 1
    assert document["fidelity"][-1]["psnr_db"]["weighted"] is None
    lines = as_csv(report).splitlines()
    assert lines[0].startswith("row,judge,metric,subset,images,value")
    weighted = next(line for line in lines if line.startswith("bicubic,crnn,accuracy,weighted"))
    assert weighted.split(",")[4:6] == ["10", str(document["reading"][0]["accuracy"]["weighted"])]


def test_limit_and_absolute_folders(settings, root):
    report = glyphsr.evaluate(**settings | {"split": (str(root / "test" / "easy"),), "limit": 3})
    assert report.counts == (3,)


BROKEN = {
    "a missing key": ({"image_lr-000000002": None}, "easy/000002", "no 'image_lr-000000002' key"),
    "a corrupt picture": ({"image_hr-000000003": b"no picture"}, "000003", "not a readable picture"),
    "an empty label": ({"label-000000001": b""}, "000001", "empty; write the text"),
    "a label that is not UTF-8": ({"label-000000004": b"\xff\xfe"}, "000004", "not UTF-8"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_sample_is_named_and_the_rest_scored(settings, root, tmp_path, case):
    changes, where, problem = BROKEN[case]
    path = broken(root, tmp_path, changes)
    report = glyphsr.evaluate(**settings | {"split": (str(path),), "recognizer": settings["recognizer"]})
    assert report.counts == (3,)
    assert report.parts[0].bad == 1
    assert [item.id for item in report.problems] == [f"broken/{where[-6:]}"]
    assert problem in report.problems[0].message
    assert report.exit_code == 3


def test_a_subset_that_cannot_be_opened_is_named_and_the_others_scored(settings, root, tmp_path):
    path = broken(root, tmp_path, {"num-samples": None})
    report = glyphsr.evaluate(**settings | {"split": ("easy", str(path))})
    assert report.counts == (4,)
    assert "num-samples" in report.problems[0].message
    assert report.exit_code == 3
    with pytest.raises(DataError, match="num-samples"):
        glyphsr.evaluate(**settings | {"split": (str(path),)})


def test_a_label_beyond_the_judges_limit_counts_as_wrong_and_is_named(settings, tmp_path):
    long = Sample("x", draw_word("l"), "a" * 27, draw_word("l", 16))
    write_pairs(tmp_path / "long", [long, long])
    report = glyphsr.evaluate(**settings | {"split": (str(tmp_path / "long"),)})
    assert report.counts == (2,)
    assert report.score("hr", "crnn").accuracy.weighted == 0
    assert "longer than the 26 characters that crnn reads" in report.problems[0].message
    assert report.exit_code == 3


def test_an_empty_set_is_an_error_of_its_own(settings, tmp_path):
    write_pairs(tmp_path / "empty", [])
    report = glyphsr.evaluate(**settings | {"split": (str(tmp_path / "empty"),)})
    assert report.exit_code == 1
    assert math.isnan(report.score("hr", "crnn").accuracy.weighted)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"weights": ("none",), "baseline": ()}, ConfigError, "--baseline"),
        ({"weights": ("compact", "compact")}, ConfigError, "named twice"),
        ({"recognizer": ("crn",)}, ConfigError, "expected crnn"),
        ({"recognizer": ("crnn=",)}, ConfigError, "NAME=FILE"),
        ({"recognizer": ()}, ConfigError, "at least one"),
        ({"protocol": "papers"}, ConfigError, "protocol"),
        ({"recognizer": ("crnn=no.pth",)}, WeightsError, "no.pth"),
        ({"recognizer": ("telescope",)}, WeightsError, "models convert pretrain_transformer.pth --as telescope"),
    ],
)
def test_what_cannot_be_used_is_said_before_any_work(settings, changes, error, message, tmp_path, monkeypatch):
    monkeypatch.setenv("GLYPHSR_CACHE", str(tmp_path))
    with pytest.raises(error, match=message):
        glyphsr.evaluate(**settings | changes)


def test_a_judge_that_taught_a_network_is_called_no_independent_one(settings, tiny_config, tmp_path):
    def notices(readers):
        path = tmp_path / f"taught-{len(readers)}.safetensors"
        built = SuperResolver.from_config(tiny_config)
        save_checkpoint(path, built, kind="super_resolver", config=tiny_config, card={"readers": readers})
        return glyphsr.evaluate(**settings | {"weights": (str(path),), "recognizer": ("crnn-synth",)}).notices

    said = "crnn-synth is no independent judge of taught-1.safetensors, which was trained by what it reads"
    assert said in notices([open_reader("crnn-synth", CPU).info.sha256])
    assert not any("independent" in notice for notice in notices([]))


def test_limit_counts_places_of_the_set_and_sees_nothing_behind_them(settings, root, tmp_path):
    path = broken(root, tmp_path, {"label-000000004": b"", "label-000000001": b""})
    common = settings | {"split": (str(path),)}
    three = glyphsr.evaluate(**common, limit=3)
    assert (three.counts, [item.id[-1] for item in three.problems]) == ((2,), ["1"])
    assert [item.id[-1] for item in glyphsr.evaluate(**common, limit=4).problems] == ["1", "4"]


def test_an_inflated_count_is_one_problem(settings, root, tmp_path):
    path = broken(root, tmp_path, {"num-samples": b"300000"})
    report = glyphsr.evaluate(**settings | {"split": (str(path),)})
    assert report.counts == (4,)
    assert len(report.problems) == 1
    assert "num-samples says 300000" in report.problems[0].message


def test_a_set_is_scored_once_and_like_names_are_told_apart(settings, root, tmp_path):
    with pytest.raises(ConfigError, match="same set"):
        glyphsr.evaluate(**settings | {"split": ("easy", str(root / "test" / "easy"))})
    other = broken(root, tmp_path / "x", {}).rename(tmp_path / "x" / "easy")
    report = glyphsr.evaluate(**settings | {"split": ("easy", str(other))})
    assert [part.name for part in report.parts] == ["easy", str(other)]


def test_a_file_called_like_a_baseline_is_a_row_of_its_own(settings, tiny_weights, tmp_path):
    (tmp_path / "bicubic").write_bytes(tiny_weights.read_bytes())
    report = glyphsr.evaluate(**settings | {"weights": (str(tmp_path / "bicubic"),)})
    assert [row.name for row in report.rows] == ["bicubic", str(tmp_path / "bicubic"), "hr"]


def test_one_identical_picture_does_not_erase_the_mean(settings, root, words, tmp_path):
    white = np.full((16, 32, 3), 255, np.uint8)
    large = np.full((32, 64, 3), 255, np.uint8)
    write_pairs(tmp_path / "white", [words[0], Sample("w", large, "w", white)])
    report = glyphsr.evaluate(**settings | {"split": (str(tmp_path / "white"),), "protocol": "standard"})
    assert math.isfinite(report.fidelity[0].psnr_db.weighted)
    assert report.fidelity[0].identical == 1


def published_network(kind, folder, num_classes):
    from glyphsr.models.glyphsr.settings import GlyphSRConfig
    from glyphsr.models.registry import build_network, key_table
    from glyphsr.models.tatt.settings import TATTConfig

    config = TATTConfig() if kind == "tatt" else GlyphSRConfig()
    network = build_network(config, num_classes=num_classes)
    table = key_table(config)
    torch.save(
        {"state_dict_G": {table.published(k): v for k, v in network.state_dict().items()}}, folder / f"{kind}.pth"
    )
    return str(folder / f"{kind}.pth")


def test_networks_of_one_comparison_take_the_prior_they_were_trained_with(settings, crnn_file, tmp_path):
    from glyphsr.config.recognizers import CRNNConfig

    torch.save(CRNN(CRNNConfig(charset_size=94)).state_dict(), tmp_path / "large.pth")
    tatt, own = published_network("tatt", tmp_path, 37), published_network("glyphsr", tmp_path, 95)
    common = settings | {"weights": (tatt, own, "compact"), "split": ("hard",)}
    report = glyphsr.evaluate(**common | {"prior_weights": (str(tmp_path / "large.pth"), str(crnn_file))})
    assert [sorted(row.sha256) for row in report.rows[1:3]] == [["crnn.pth", "tatt.pth"], ["glyphsr.pth", "large.pth"]]
    assert [row.paper for row in report.rows] == [None, "table1/tatt", "table1/glyphsr", None, None]
    with pytest.raises(WeightsError, match=r"gives 37 classes, but glyphsr\.pth was trained with 95"):
        glyphsr.evaluate(**common | {"prior_weights": (str(crnn_file),)})
    with pytest.raises(ConfigError, match="none of the networks"):
        glyphsr.evaluate(**common | {"weights": ("compact",), "prior_weights": (str(crnn_file),)})


def test_settings_take_texts_with_commas(monkeypatch):
    from glyphsr.config.evaluation import EvalConfig
    from glyphsr.config.reader import load

    environment = {"GLYPHSR_WEIGHTS": "compact", "GLYPHSR_RECOGNIZER": "crnn,aster"}
    config = load(EvalConfig, None, sets=["split=easy,hard"], environment=environment)
    assert (config.weights, config.recognizer, config.split) == (("compact",), ("crnn", "aster"), ("easy", "hard"))
