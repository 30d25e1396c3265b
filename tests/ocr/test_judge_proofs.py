import pytest

from glyphsr.ocr.judge_proofs import CALIBRATION, TOLERANCE, deviations, proof_of, remember_calibration


def test_the_published_figures_deviate_by_nothing_and_others_by_their_greatest_distance():
    for kind, figures in CALIBRATION.items():
        assert set(deviations(kind, figures).values()) == {0.0}
    assert deviations("crnn", {"hr": (76.41, 75.05, 63.56)}) == {"hr": 1.0}
    assert TOLERANCE == 0.5


def test_a_judge_is_proved_by_what_was_remembered_of_its_hash(tmp_path, monkeypatch):
    monkeypatch.setenv("GLYPHSR_CACHE", str(tmp_path))
    digest = "ab" * 32
    assert proof_of("crnn", digest) is None
    remember_calibration("crnn", digest, CALIBRATION["crnn"])
    assert proof_of("crnn", digest) == "calibrated"
    assert proof_of("moran", digest) is None
    (tmp_path / "judges.json").write_text("[]")
    assert proof_of("crnn", digest) is None


@pytest.mark.parametrize("kind", CALIBRATION)
def test_calibration_covers_both_sides(kind):
    assert set(CALIBRATION[kind]) == {"lr", "hr"}
