"""A second reader tells of lines that became worse to read, and can take the change back."""

import shutil
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from glyphsr.config.model import ModelConfig
from glyphsr.errors import ConfigError
from glyphsr.guard.ensemble import ReaderEnsemble, count_agreeing, is_single_word
from glyphsr.guard.guard import Guard, Verdict, default_reader
from glyphsr.guard.headroom import is_already_legible, sharpness
from glyphsr.images.reader import read_picture
from glyphsr.images.resize import resize
from glyphsr.models.super_resolver import SuperResolver
from glyphsr.text.charset import comparable
from glyphsr.types import Reading
from glyphsr.upscaling.line import Line
from glyphsr.upscaling.upscaler import Upscaler
from glyphsr.weights.checkpoints import save_checkpoint

from ..conftest import draw_word

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def garbling(tiny_config, tmp_path):
    """A network that draws nothing but black."""
    torch.manual_seed(1)
    built = SuperResolver.from_config(tiny_config)
    # Its prior reads an x in everything.
    classifier = [module for module in built.prior.modules() if isinstance(module, torch.nn.Linear)][-1]
    torch.nn.init.constant_(classifier.bias, -9.0)
    with torch.no_grad():
        classifier.bias[built.prior.recognizer.codec.encode("x")[0]] = 9.0
    torch.nn.init.zeros_(built.network.head.weight)
    torch.nn.init.constant_(built.network.head.bias, -9.0)
    path = tmp_path / "black.safetensors"
    save_checkpoint(path, built, kind="super_resolver", config=tiny_config, card={})
    return path


def word(text, height=24):
    return draw_word(text, height).astype(np.float32) / 255


@pytest.mark.parametrize("mode", ["warn", "revert"])
def test_a_spoilt_line_is_told_or_taken_back(garbling, mode):
    picture = word("HOTEL")
    line = Line(picture, (2 * picture.shape[0], 2 * picture.shape[1]))
    tiny = Line(np.zeros((2, 9, 3), np.float32), (4, 18))  # which no network sees
    upscaler = Upscaler(garbling, device="cpu", guard=mode, guard_reader="crnn-synth")
    nothing, found = upscaler.upscale_lines([tiny, line])
    assert nothing.verdict is None
    assert found.verdict.before.text == "hotel"
    assert found.verdict.after.text != "hotel"
    assert found.verdict.action == {"warn": "warned", "revert": "reverted"}[mode]
    assert "neither 'hotel' as before nor 'x' as drawn" in found.verdict.reason
    plain = resize(picture, line.size).clip(0, 1)
    assert (np.abs(found.rgb - plain).max() < 1e-6) == (mode == "revert")
    assert found.verdict.reader == "crnn-synth"


def test_a_line_that_stays_readable_is_kept():
    picture = cv2.GaussianBlur(word("HOTEL"), (0, 0), 2.0)
    line = Line(picture, (2 * picture.shape[0], 2 * picture.shape[1]))
    guarded = Upscaler(device="cpu", guard="revert", guard_reader="crnn-synth").upscale_lines([line])[0]
    free = Upscaler(device="cpu").upscale_lines([line])[0]
    assert guarded.verdict.action == "kept"
    assert np.array_equal(guarded.rgb, free.rgb)
    assert free.verdict is None


def sharp_and_blurred(text):
    sharp = word(text, 32)
    return sharp, np.clip(cv2.GaussianBlur(sharp, (0, 0), 3.0), 0, 1)


def test_short_crisp_words_have_little_to_gain():
    sharp, blurred = sharp_and_blurred("7")
    assert is_already_legible(sharp, sharp, 12)
    assert is_already_legible(blurred, blurred, 3)
    assert not is_already_legible(blurred, blurred, 6)
    assert not is_already_legible(blurred, sharp, 3)  # which is changed much
    larger = sharp.repeat(2, axis=0).repeat(2, axis=1)
    assert sharpness(larger) == pytest.approx(sharpness(sharp), rel=1e-3)


def test_what_is_read_surely_and_has_little_to_gain_stays_as_it_was():
    sharp, _ = sharp_and_blurred("HO")
    after = [np.clip(sharp * 0.99, 0, 1)]
    for mode, action in (("revert", "left"), ("warn", "kept")):
        guard = Guard(mode, reader="crnn-synth")
        (verdict,) = guard.review([sharp], after)
        assert (verdict.before.text, verdict.after.text) == ("ho", "ho")
        assert verdict.before.confidence > 0.9
        assert verdict.action == action
        assert guard.review([sharp], after, given_texts=["HO"])[0].action == "kept"  # it is what it should be
    assert (
        "reads 'ho' before and after, and has little to gain"
        in Guard("revert", reader="crnn-synth").review([sharp], after)[0].reason
    )


@pytest.mark.parametrize("text", [None, "2.85"])
def test_a_price_without_its_point_is_taken_back(text):
    pytest.importorskip("rapidocr")
    pytest.importorskip("onnxruntime")
    with_point, without = (draw_word(price, 40).astype(np.float32) / 255 for price in ("2.85", "2 85"))
    width = min(with_point.shape[1], without.shape[1])
    before, after = with_point[:, :width], without[:, :width]
    guard = Guard("revert", reader="rapidocr")
    verdict = guard.review([before], [after], given_texts=[text], prior_text=["285"])[0]
    assert verdict.action == "reverted"
    assert "and the number '2.85'" in verdict.reason
    assert guard.review([before], [before], given_texts=[text], prior_text=["285"])[0].action == "kept"


def test_a_lost_point_counts_more_than_letters_that_are_wrong_either_way():
    pytest.importorskip("rapidocr")
    pytest.importorskip("onnxruntime")
    with_point, without = (draw_word(price, 40).astype(np.float32) / 255 for price in ("K 2.85", "K 2 85"))
    width = min(with_point.shape[1], without.shape[1])
    verdict = Guard("revert", reader="rapidocr").review([with_point[:, :width]], [without[:, :width]], ["R 2.85"])[0]
    assert (verdict.action, "and the number '2.85'" in verdict.reason) == ("reverted", True)


def test_voters_read_words():
    voters = ReaderEnsemble(torch.device("cpu"))
    sharp, blurred = sharp_and_blurred("HOTEL")
    hotel, again, nothing = voters.read([sharp, sharp, blurred * 0])
    assert hotel == again == ("hotel",) * 3
    assert (count_agreeing("HOTEL", hotel), count_agreeing("MOTEL", hotel), count_agreeing("HOTEL", nothing)) == (
        3,
        0,
        0,
    )
    assert voters.read([]) == []
    assert is_single_word(sharp, "HOTEL")
    assert is_single_word(sharp, "HOTEL", "HOTEL", " HOTEL ")
    assert not is_single_word(sharp, "HOTEL", "HOTEL", "HO TEL")
    assert not is_single_word(sharp, "!?")
    assert not is_single_word(sharp, "a" * 17)
    assert not is_single_word(np.zeros((32, 260, 3), np.float32), "HOTEL")


def test_votes_do_not_depend_on_the_size_asked_for():
    voters = ReaderEnsemble(torch.device("cpu"))
    sharp, _ = sharp_and_blurred("HOTEL")
    large = sharp.repeat(6, axis=0).repeat(6, axis=1) * 0.4 + 0.3
    grain = np.random.default_rng(0).normal(0, 0.6, large.shape).astype(np.float32)  # gone where pixels are averaged
    assert voters.read([sharp, large + grain]) == [("hotel",) * 3] * 2


def test_a_word_that_was_drawn_otherwise_than_it_reads_is_taken_back():
    pytest.importorskip("rapidocr")
    pytest.importorskip("onnxruntime")
    sharp, blurred = sharp_and_blurred("HOTEL")
    guard = Guard("revert", reader="rapidocr")
    right, wrong, same, unknown = guard.review(
        [blurred] * 4, [sharp, sharp, blurred, sharp], prior_text=["HOTEL", "MOTEL", "MOTEL", None]
    )
    assert right.action == same.action == unknown.action == "kept"
    assert wrong.action == "reverted"
    assert wrong.before.text == wrong.after.text == "HOTEL"  # so the reader itself has no doubt
    assert wrong.reason.startswith("reads 'HOTEL' (")
    assert wrong.reason.endswith(", and 0 of 3 judges 'MOTEL', which was drawn")
    assert guard.review([blurred], [sharp], given_texts=["HOTEL"], prior_text=["MOTEL"])[0].action == "kept"


def test_judges_are_asked_beside_a_reader_of_ours_too():
    sharp, blurred = sharp_and_blurred("HOTEL")
    guard = Guard("revert", reader="crnn-light-synth")
    right, wrong = guard.review([blurred] * 2, [sharp] * 2, prior_text=["HOTEL", "MOTEL"])
    assert (right.action, wrong.action) == ("kept", "reverted")
    assert wrong.reason.endswith(", and 3 of 3 judges 'hotel', where 'MOTEL' was drawn")
    assert right.agreed is wrong.agreed is None  # whether that is a word is not known there
    short, _ = sharp_and_blurred("MO")
    (left,) = guard.review([np.clip(short * 0.97, 0, 1)], [short], prior_text=["MO"])
    assert (left.action, left.reason) == ("left", "has little to gain: 3 of 3 judges read 'MO' before already")


@pytest.mark.parametrize("reader", ["crnn-light-synth", "crnn-synth", "rapidocr", "tesseract"])
def test_a_phrase_that_is_drawn_rightly_is_kept_whoever_reads(reader):
    if reader == "rapidocr":
        pytest.importorskip("rapidocr")
        pytest.importorskip("onnxruntime")
    if reader == "tesseract" and not (find_spec("pytesseract") and shutil.which("tesseract")):
        pytest.skip("tesseract is not installed")
    picture = read_picture(EXAMPLES / "sign.png").rgb
    line = Line(picture, (2 * picture.shape[0], 2 * picture.shape[1]))
    found = Upscaler(device="cpu", guard="revert", guard_reader=reader).upscale_lines([line])[0]
    assert comparable(found.readings[0].text) == "gardenstreet47"
    assert found.verdict.action == "kept"


def test_a_word_is_left_where_most_of_the_judges_read_it_before():
    pytest.importorskip("rapidocr")
    pytest.importorskip("onnxruntime")
    after, _ = sharp_and_blurred("MO")
    alike, other = np.clip(after * 0.97, 0, 1), sharp_and_blurred("MQ")[0]
    other = np.clip(other[:, : after.shape[1]], 0, 1)
    assert is_already_legible(alike, after, 2)
    assert is_already_legible(other, after, 2)
    guard = Guard("revert", reader="rapidocr")
    left, kept = guard.review([alike, other], [after, after], prior_text=["MO", "MO"])
    assert (left.action, kept.action) == ("left", "kept")
    assert left.reason == "has little to gain: 3 of 3 judges read 'MO' before already"


def test_a_word_is_drawn_anew_as_most_readers_read_it():
    pytest.importorskip("rapidocr")
    pytest.importorskip("onnxruntime")
    picture = np.clip(cv2.GaussianBlur(word("Welcome", 16), (0, 0), 1.4), 0, 1)
    line = Line(picture, (2 * picture.shape[0], 2 * picture.shape[1]))
    found = Upscaler(device="cpu", guard="revert", guard_reader="rapidocr").upscale_lines([line])[0]
    assert found.verdict.action == "redrawn"
    assert found.verdict.reason == "drawn anew as 'Welcome', which most readers read before"
    free, anew = Upscaler(device="cpu").upscale_lines([line, Line(picture, line.size, "Welcome")])
    assert np.abs(found.rgb - anew.rgb).max() < 1e-5
    assert np.abs(found.rgb - free.rgb).max() > 0.05
    warned = Upscaler(device="cpu", guard="warn", guard_reader="rapidocr").upscale_lines([line])[0]
    assert warned.verdict.action == "kept"
    assert np.abs(warned.rgb - free.rgb).max() < 1e-5


def test_what_is_drawn_anew_has_to_be_read_as_that(garbling):
    pytest.importorskip("rapidocr")
    pytest.importorskip("onnxruntime")
    picture = word("HOTEL")
    line = Line(picture, (2 * picture.shape[0], 2 * picture.shape[1]))
    found = Upscaler(garbling, device="cpu", guard="revert", guard_reader="rapidocr").upscale_lines([line])[0]
    assert found.verdict.agreed == "HOTEL"
    assert found.verdict.action == "reverted"
    guard = Guard("revert", reader="rapidocr")
    verdict = Verdict("rapidocr", Reading("HOTEL", 0.9), Reading("MOTEL", 0.9), "reverted", "why", 1.0, agreed="HOTEL")
    redrawn, refused = guard.review_regenerated([verdict, verdict], [word("HOTEL", 32), word("MOTEL", 32)])
    assert (redrawn.action, redrawn.after.text, redrawn.milliseconds > 1.0) == ("redrawn", "HOTEL", True)
    assert refused is None


def test_networks_that_cannot_be_told_draw_nothing_anew(tmp_path):
    pytest.importorskip("rapidocr")
    pytest.importorskip("onnxruntime")
    picture = np.clip(cv2.GaussianBlur(word("HOTEL", 16), (0, 0), 1.4), 0, 1)
    line = Line(picture, (2 * picture.shape[0], 2 * picture.shape[1]))
    config = ModelConfig.model_validate({"network": {"kind": "tsrn"}})
    path = tmp_path / "tsrn.safetensors"
    built = SuperResolver.from_config(config)
    assert not built.accepts_text
    save_checkpoint(path, built, kind="super_resolver", config=config, card={})
    found = Upscaler(path, device="cpu", guard="revert", guard_reader="rapidocr").upscale_lines([line])[0]
    assert found.verdict.action != "redrawn"


def test_a_reader_has_to_be_one():
    with pytest.raises(ConfigError, match="--guard-reader nobody: expected crnn"):
        Guard("warn", reader="nobody")
    has_engine = find_spec("rapidocr") is not None and find_spec("onnxruntime") is not None
    assert default_reader() == ("rapidocr" if has_engine else "crnn-light-synth")


def test_a_given_text_is_checked():
    picture = word("HOTEL")
    size = (2 * picture.shape[0], 2 * picture.shape[1])
    upscaler = Upscaler(device="cpu", guard="warn", guard_reader="crnn-synth")
    right, wrong = upscaler.upscale_lines([Line(picture, size, "HOTEL"), Line(picture, size, "MOTEL")])
    assert right.verdict.action == "kept"
    assert wrong.verdict.action == "warned"
    assert "not the given 'MOTEL'" in wrong.verdict.reason
