"""Readers by name: our recognizers, published ones, files, and OCR engines."""

import numpy as np
import pytest
import torch

from glyphsr.errors import ConfigError, WeightsError
from glyphsr.ocr.readers import EngineReader, RecognizerReader, open_reader, open_readers
from glyphsr.types import Reading

CPU = torch.device("cpu")


def test_the_packages_own_stand_in_under_their_own_names(tmp_path, monkeypatch, crnn_file):
    monkeypatch.setenv("GLYPHSR_CACHE", str(tmp_path))
    for kind in ("crnn", "moran", "aster"):
        judge = open_reader(kind, CPU)
        assert judge.info.name == f"{kind}-synth"
        assert "our own, trained on rendered words" in judge.info.notice
    other = open_reader(f"crnn={crnn_file}", CPU)
    assert other.info.name == "crnn"
    assert "--calibrate" in other.info.notice  # nothing proves whose it is


def test_all_asks_those_at_hand_and_says_who_is_left_out(tmp_path, monkeypatch):
    monkeypatch.setenv("GLYPHSR_CACHE", str(tmp_path))
    judges, notices = open_readers(["all"], CPU)
    assert {"crnn-synth", "moran-synth", "aster-synth"} <= {judge.info.name for judge in judges}
    assert any(notice.startswith("left out telescope") for notice in notices)


def test_a_judge_is_asked_once(crnn_file):
    with pytest.raises(ConfigError, match="each judge"):
        open_readers([f"crnn={crnn_file}", f"crnn={crnn_file.parent / '..' / crnn_file.parent.name / 'crnn.pth'}"], CPU)


def test_a_judge_reads_pictures_of_any_sizes_in_their_order(crnn_file):
    judge = open_reader(f"crnn={crnn_file}", CPU)
    assert isinstance(judge, RecognizerReader)
    images = [torch.rand(3, 32, width) for width in (40, 128, 40, 77)]
    together = judge.read(images)
    for reading, image in zip(together, images, strict=True):
        alone = judge.read([image])[0]
        assert reading.text == alone.text
        assert reading.confidence == pytest.approx(alone.confidence, rel=1e-3)


class Spelled:
    """An engine outside of us: spells the picture's size."""

    version = "1"

    def read(self, images):
        assert all(image.dtype == np.uint8 and image.flags.c_contiguous for image in images)
        return [Reading(f"{image.shape[1]}x{image.shape[0]}:{image.max()}", 1.0) for image in images]


def test_engines_see_saved_pictures():
    judge = EngineReader("spelled", Spelled())
    picture = torch.full((3, 8, 20), 1.7)
    assert judge.read([picture])[0].text == "20x8:255"
    assert judge.too_long("x" * 500) is None


def test_own_weights_never_pass_as_the_published_judge(tmp_path, monkeypatch, crnn_file, tiny_weights):
    monkeypatch.setenv("GLYPHSR_CACHE", str(tmp_path))
    by_name = {
        text: open_reader(text, CPU).info for text in ("crnn=crnn-synth", f"crnn={tiny_weights}", f"crnn={crnn_file}")
    }
    assert [info.name for info in by_name.values()] == ["crnn-synth", "crnn:tiny", "crnn"]
    assert [info.published for info in by_name.values()] == [None, None, "crnn"]
    assert "no independent judge" in by_name[f"crnn={tiny_weights}"].notice


def test_the_packages_own_judge_has_a_name(tmp_path, monkeypatch):
    monkeypatch.setenv("GLYPHSR_CACHE", str(tmp_path))
    assert open_reader("crnn-synth", CPU).info == open_reader("crnn", CPU).info
    assert open_readers(["crnn-synth"], CPU)[0][0].info.name == "crnn-synth"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ctc_transformer", "expected ctc_transformer=FILE"),
        ("crnn-synth=", "expected crnn"),
        ("ctc_transformer=", "=FILE"),
    ],
)
def test_what_cannot_judge_is_told_what_would(text, message):
    with pytest.raises(ConfigError, match=message):
        open_reader(text, CPU)


def test_the_option_by_which_a_judge_was_asked_for_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("GLYPHSR_CACHE", str(tmp_path))
    with pytest.raises(ConfigError, match=r"--judge nobody: expected crnn, .*, ppocr-v6-small or NAME=FILE$"):
        open_reader("nobody", CPU, option="--judge")
    with pytest.raises(WeightsError, match=r"or give --judge parseq=FILE$"):
        open_reader("parseq", CPU, offline=True, option="--judge")
    with pytest.raises(ConfigError, match=r"--recognizer nobody: .* or NAME=FILE, or all where several may be asked$"):
        open_readers(["nobody"], CPU)


def test_all_keeps_the_file_that_was_named(tmp_path, monkeypatch, crnn_file):
    monkeypatch.setenv("GLYPHSR_CACHE", str(tmp_path))
    judges, _ = open_readers(["all", f"crnn={crnn_file}"], CPU)
    assert [judge.info.weights for judge in judges if judge.info.name.startswith("crnn")] == [str(crnn_file)]


def test_judges_of_like_file_names_are_told_apart(tiny_weights, tmp_path):
    for run in ("one", "two"):
        (tmp_path / run).mkdir()
        (tmp_path / run / "best.safetensors").write_bytes(tiny_weights.read_bytes())
    files = [tmp_path / run / "best.safetensors" for run in ("one", "two")]
    judges, _ = open_readers([f"crnn={file}" for file in files], CPU)
    assert [judge.info.name for judge in judges] == [f"crnn:{file}" for file in files]
