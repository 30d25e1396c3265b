"""A second reader tells of lines that became another text, and can take the change back."""

import cv2
import numpy as np
import pytest
import torch

from glyphsr.errors import ConfigError
from glyphsr.guard.guard import FALLBACK_GUARD_READER, Guard, default_reader
from glyphsr.images.resize import resize
from glyphsr.models.super_resolver import SuperResolver
from glyphsr.upscaling.line import Line
from glyphsr.upscaling.upscaler import Upscaler
from glyphsr.weights.checkpoints import save_checkpoint

from ..conftest import draw_word


@pytest.fixture(scope="module")
def garbling(tiny_config, tmp_path_factory):
    """A network that draws nothing but black."""
    torch.manual_seed(1)
    built = SuperResolver.from_config(tiny_config)
    torch.nn.init.zeros_(built.network.head.weight)
    torch.nn.init.constant_(built.network.head.bias, -9.0)
    path = tmp_path_factory.mktemp("garbling") / "black.safetensors"
    save_checkpoint(path, built, kind="super_resolver", config=tiny_config, card={})
    return path


def word(text, height=24):
    return draw_word(text, height).astype(np.float32) / 255


def line_of(picture, **options):
    return Line(picture, (2 * picture.shape[0], 2 * picture.shape[1]), **options)


@pytest.mark.parametrize("mode", ["warn", "revert"])
def test_a_spoilt_line_is_told_or_taken_back(garbling, mode):
    line = line_of(word("HOTEL"))
    tiny = Line(np.zeros((2, 9, 3), np.float32), (4, 18))  # which no network sees
    upscaler = Upscaler(garbling, device="cpu", guard=mode, guard_reader=FALLBACK_GUARD_READER)
    nothing, found = upscaler.upscale_lines([tiny, line])
    assert nothing.verdict is None
    assert found.verdict.before.text == "HOTEL"
    assert found.verdict.after.text != "HOTEL"
    assert found.verdict.action == {"warn": "warned", "revert": "reverted"}[mode]
    assert "instead of 'HOTEL'" in found.verdict.reason
    plain = resize(line.rgb, line.size).clip(0, 1)
    assert (np.abs(found.rgb - plain).max() < 1e-6) == (mode == "revert")
    assert found.is_changed == (mode == "warn")
    assert found.verdict.reader == FALLBACK_GUARD_READER


def test_auto_looks_at_pages_digits_and_given_texts_only(garbling):
    upscaler = Upscaler(garbling, device="cpu", guard_reader=FALLBACK_GUARD_READER)
    plain = word("HOTEL")
    free, paged, given = upscaler.upscale_lines(
        [line_of(plain), line_of(plain, on_page=True), line_of(plain, text="HOTEL")]
    )
    assert free.verdict is None
    assert paged.verdict.action == "reverted"
    assert given.verdict.action == "warned"  # what the user says is drawn
    assert given.is_changed


def test_a_line_that_stays_readable_is_kept():
    line = line_of(cv2.GaussianBlur(word("HOTEL"), (0, 0), 1.5))
    guarded = Upscaler(device="cpu", guard="revert", guard_reader=FALLBACK_GUARD_READER).upscale_lines([line])[0]
    free = Upscaler(device="cpu", guard="off").upscale_lines([line])[0]
    assert guarded.verdict.action == "kept"
    assert np.array_equal(guarded.rgb, free.rgb)


def test_an_unchanged_line_is_never_taken_back():
    picture = word("HOTEL")
    verdict = Guard("revert", reader=FALLBACK_GUARD_READER).review(
        [picture], [picture], given=[None], prior_text=["MOTEL"]
    )[0]
    assert (verdict.action, verdict.reason) == ("kept", None)


def test_readers_that_cannot_be_had_are_named_with_the_option():
    with pytest.raises(ConfigError, match="--guard-reader"):
        Guard("warn", reader="nobody")
    assert default_reader() in ("rapidocr", FALLBACK_GUARD_READER)
    assert Guard("revert", reader=FALLBACK_GUARD_READER).review([], [], given=[], prior_text=[]) == []
